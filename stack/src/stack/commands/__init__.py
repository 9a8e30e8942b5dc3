"""The commands of `./ruta`, one file per group, each with an `app`."""
