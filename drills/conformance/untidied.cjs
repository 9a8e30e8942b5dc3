// Spectral compiles the schema of every example anew, and two thirds of its time go into making that code shorter,
// which runs once. What it finds is the same.
require("ajv/dist/compile/codegen").CodeGen.prototype.optimize = () => {};
