"""`python -m console` serves the pages."""

from common.process.http_server import serve
from common.process.start import load, prepare

from console.app import create_app
from console.settings import Settings

if __name__ == "__main__":
    settings = load(Settings)
    prepare(settings)
    serve(create_app(settings), settings)
