"""The documents of OGC API - Features (17-069r4): landing page, conformance, collections, items. Pure."""

from typing import Any

from common.words.places import Places
from common.words.tables import completed

SERVICES, GAPS = "services", "gaps-"
GEOJSON = "application/geo+json"
_CORE = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf"
CONFORMANCE = {"conformsTo": [f"{_CORE}/core", f"{_CORE}/geojson", f"{_CORE}/oas30"]}
Json = dict[str, Any]
_SERVICES = completed("directory", {"es": "Servicios", "en": "Services"})
_GAPS = completed("directory", {"es": "Brechas", "en": "Gaps"})


def landing(base: str, description: str) -> Json:
    return {
        "title": "Ruta",
        "description": "Services and gaps that you may see",
        "links": [
            _link(base, "self"),
            _link(description, "service-desc", "application/vnd.oai.openapi+json;version=3.1"),
            _link(f"{base}/conformance", "conformance"),
            _link(f"{base}/collections", "data"),
        ],
    }


def collections(base: str, language: str) -> Json:
    found = [collection(base, name, language) for name in names()]
    return {"links": [_link(f"{base}/collections", "self")], "collections": found}


def names() -> list[str]:
    """Return the collections: services, and the gaps in each country that has areas."""
    places = Places.load()
    countries = [place.pcode for place in places.at_level(0) if places.children(place.pcode)]
    return [SERVICES, *(f"{GAPS}{country}" for country in countries)]


def collection(base: str, name: str, language: str) -> Json:
    title = _SERVICES[language]
    if name != SERVICES:
        country = Places.load().require(name.removeprefix(GAPS))
        title = f"{_GAPS[language]}: {country.label(language)}"
    here = f"{base}/collections/{name}"
    return {
        "id": name,
        "title": title,
        "itemType": "feature",
        "crs": ["http://www.opengis.net/def/crs/OGC/1.3/CRS84"],
        "links": [_link(here, "self"), _link(f"{here}/items", "items", GEOJSON)],
    }


def page(here: str, features: list[Json], now: str, following: str | None) -> Json:
    links = [_link(here, "self", GEOJSON)]
    if following is not None:
        links.append(_link(following, "next", GEOJSON))
    return {
        "type": "FeatureCollection",
        "timeStamp": now,
        "numberReturned": len(features),
        "features": features,
        "links": links,
    }


def gap(area: str, need: str, row: Json) -> Json:
    """Return one group's need in one area as a feature, at the area's label point."""
    place, point = Places.load().require(area), Places.load().point(area)
    shown = {"type": "Point", "coordinates": [point.longitude, point.latitude]} if point else None
    properties = {"area": area, "area_name": place.name, "need": need, **row}
    return {
        "type": "Feature",
        "id": f"{area}-{need}-{row['group']}",
        "geometry": shown,
        "properties": properties,
    }


def _link(href: str, rel: str, kind: str = "application/json") -> Json:
    return {"href": href, "rel": rel, "type": kind}
