"""The root of the HSDS API: what this is, whose it is, and the profile that it follows."""

from typing import Annotated, Any

from common.auth import Principal
from common.web import context_of, open_to_all, router
from starlette.requests import Request

from services_directory.settings import Settings

routes = router("/directory/v1", ["HSDS"])
Anyone = Annotated[Principal, open_to_all()]
HSDS_VERSION = "3.2.3"


@routes.get("/", summary="About this API")
async def about(request: Request, _principal: Anyone) -> dict[str, Any]:
    settings = context_of(request).settings
    assert isinstance(settings, Settings)  # noqa: S101 - create_app gives no other
    base = settings.public_url.rstrip("/")
    publisher = {
        "name": settings.publisher_name,
        "identifier": settings.publisher_identifier,
        "email": settings.publisher_email,
        "website": settings.publisher_website,
    }
    return {
        "version": HSDS_VERSION,
        "profile": f"{base}/directory/v1/profile",
        "openapi_url": f"{base}/openapi.json",
        "description": "Services of a Protection Cluster, HSDS 3.2.3 with four levels of"
        " visibility / Servicios del Clúster de Protección, con cuatro niveles de visibilidad",
        "data_guide": settings.data_guide_url or f"{base}/directory/v1/profile",
        "publisher": {key: value for key, value in publisher.items() if value},
    }
