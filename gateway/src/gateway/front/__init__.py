"""The front: every request enters Ruta here, is authenticated, limited, and passed on."""
