"""The commands of `./ruta`, one file per group; each is found by its `app`."""
