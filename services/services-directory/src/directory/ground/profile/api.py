"""The root of the HSDS API: this directory, its publisher, and its profile."""

from typing import Annotated, Any

from common.auth import Principal
from common.errors import NOT_FOUND
from common.http import context_of, open_to_all, router
from common.words import codelists
from starlette.requests import Request

from directory.ground.profile import patches
from directory.settings import Settings

routes = router("/directory/v1", ["HSDS"])
Anyone = Annotated[Principal, open_to_all()]
HSDS_VERSION = "3.2.3"
# The Open Referral UK validator reads the version of its schema from here; our responses satisfy both.
_OPEN_REFERRAL_UK = {
    "version": "HSDS-UK-3.0",
    "profile": "https://docs.openreferraluk.org/en/latest/",
}


@routes.get("/", summary="About this API")
async def about(request: Request, _principal: Anyone) -> dict[str, Any]:
    """Version, publisher and profile of this HSDS API, and where its parts are."""
    settings = context_of(request).settings
    assert isinstance(settings, Settings)  # noqa: S101 - create_app gives no other
    base = settings.public_url.rstrip("/")
    publisher = {
        "name": settings.publisher_name,
        "identifier": settings.publisher_identifier,
        "email": settings.publisher_email,
        "website": settings.publisher_website,
    }
    own = {"version": HSDS_VERSION, "profile": f"{base}/directory/v1/profile"}
    return {
        **(_OPEN_REFERRAL_UK if settings.api_profile == "uk" else own),
        "openapi_url": f"{base}/openapi.json",
        "description": "Services of a Protection Cluster, HSDS 3.2.3 with four levels of"
        " visibility / Servicios del Clúster de Protección, con cuatro niveles de visibilidad",
        "data_guide": settings.data_guide_url or f"{base}/directory/v1/profile",
        "publisher": {key: value for key, value in publisher.items() if value},
    }


@routes.get("/profile", summary="The HSDS profile of this API")
async def profile(request: Request, _principal: Anyone) -> dict[str, Any]:
    """For each object that the profile extends: the merge patch of the official schema, and the merged schema."""
    settings = context_of(request).settings
    base = f"{settings.public_url.rstrip('/')}/directory/v1/profile"
    return {
        "title": "Ruta: protection services with four levels of visibility",
        "hsds_version": HSDS_VERSION,
        "service_area_extent_type": "pcode: `extent` holds an OCHA P-code",
        "objects": [
            {
                "name": name,
                "patch": f"{base}/patches/{name}.json",
                "schema": f"{base}/schemas/{name}.json",
            }
            for name in patches.names()
        ],
        "levels": [
            {
                "code": level.code,
                **{f"label_{code}": label for code, label in level.labels.items()},
                "who_sees": level.who_sees,
                "location_precision": level.location_precision,
            }
            for level in codelists.visibility_levels().values()
        ],
        "code_lists": f"{base}/codes",
    }


@routes.get("/profile/patches/{name}.json", summary="JSON merge patch over an official schema")
async def profile_patch(_principal: Anyone, name: str) -> dict[str, Any]:
    """The changes that our profile makes to one HSDS schema, as a JSON merge patch (RFC 7386)."""
    return patches.patch(_known(name))


@routes.get("/profile/schemas/{name}.json", summary="Merged schema of an object")
async def profile_schema(_principal: Anyone, name: str) -> dict[str, Any]:
    """The JSON schema of one HSDS object with our profile's additions, for validators."""
    return patches.merged(_known(name))


def _known(name: str) -> str:
    if name not in patches.names():
        raise NOT_FOUND.because("profile_is_one_of", ", ".join(patches.names()))
    return name


@routes.get("/profile/codes", summary="Every code with its Spanish and English label")
async def codes(_principal: Anyone) -> dict[str, list[dict[str, Any]]]:
    """All code lists of the directory. A code keeps its meaning; its labels may improve."""
    return {
        found.name: [
            {"code": each.code, **{f"label_{code}": said for code, said in each.labels.items()}}
            for each in found.values()
        ]
        for found in (
            codelists.categories(),
            codelists.pathways(),
            codelists.populations(),
            codelists.functional_statuses(),
            codelists.visibility_levels(),
            codelists.organisation_types(),
            codelists.languages(),
            *codelists.referral_attributes().values(),
        )
    }
