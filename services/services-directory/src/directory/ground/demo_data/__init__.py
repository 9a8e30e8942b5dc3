"""Fictional services of fictional organisations in Venezuela, as a service-mapping workbook. No name, telephone number
or address in the workbook is real."""

from importlib.resources import files


def demo_services() -> bytes:
    """Return the workbook (CSV) that `./ruta up --demo` imports through the ordinary importer."""
    return files("directory.ground.demo_data").joinpath("services.csv").read_bytes()
