"""Activities in the columns of other systems: HXL 5W, the Venezuelan 5W and the regional (R4V) 5W.

All three take rows from ``published`` (or an organisation's own exact rows). An empty number with the flag ``yes`` was
removed on purpose; it does not mean zero.
"""

from collections.abc import Callable, Iterable

from common.words.places import Places
from common.words.tables import rows

from reporting.count.activities.activity import Activity
from reporting.count.activities.codes import activity_codes, label
from reporting.count.activities.indicators import ALLOWED, counts_towards
from reporting.ground.language import Text, same, text
from reporting.ground.tabular.tables import Cell, Column, Kind, Table, columns_of

FLAG = "#meta+masked"
ATTRIBUTION = text(
    "Códigos de actividad: Plan de Respuesta Humanitaria 2024 de Venezuela, OCHA (CC BY). "
    "Un número vacío con la marca «yes» se omitió para proteger a las personas; no es cero.",
    "Activity codes: Venezuela Humanitarian Response Plan 2024, OCHA (CC BY). "
    "An empty number with the flag “yes” was left out to protect people; it is not zero.",
)
TITLE = text("Actividades 5W", "5W activities")


def _place_name(pcode: str | None, places: Places) -> str | None:
    place = places.get(pcode) if pcode else None
    return place.name if place else None


def _sector(activity: Activity) -> str:
    code = activity_codes().get(activity.activity_code)
    return code.sector if code else "protection"


def _name(activity: Activity, language: str) -> str:
    code = activity_codes().get(activity.activity_code)
    return code.label[language] if code else activity.activity_code


Maker = Callable[[Activity, Places, str], Cell]
# Columns that do not simply copy the activity's field of the same name.
_MADE: dict[str, Maker] = {
    "id": lambda a, p, g: str(a.id),
    "org_leader_type": lambda a, p, g: label("organisation_type", a.org_leader_type, g),
    "org_implementer_type": lambda a, p, g: label("organisation_type", a.org_implementer_type, g),
    "sector": lambda a, p, g: label("sector", _sector(a), g),
    "activity_name": lambda a, p, g: _name(a, g),
    "type": lambda a, p, g: label("type", a.type, g),
    "adm1_name": lambda a, p, g: _place_name(a.adm1_pcode, p),
    "adm2_name": lambda a, p, g: _place_name(a.adm2_pcode, p),
    "adm3_name": lambda a, p, g: _place_name(a.adm3_pcode, p),
    "tlocation": lambda a, p, g: label("location_type", a.tlocation, g) if a.tlocation else None,
    "masked": lambda a, p, g: _flag(a),
}


def _flag(activity: Activity) -> str:
    return "yes" if activity.masked else "no"


_HXL = columns_of(__package__, "hxl_columns")


def _own(key: str, activity: Activity, places: Places, language: str) -> Cell:
    """Return the activity's value, or None for a column that Ruta does not collect."""
    if key in _MADE:
        return _MADE[key](activity, places, language)
    cell: Cell = getattr(activity, key, None)
    return cell


def hxl_table(activities: Iterable[Activity], language: str, places: Places) -> Table:
    """Return HXL 1.1 with people reached by group, names in ``language`` and unchanged codes."""
    return Table(
        "activities",
        TITLE,
        _HXL,
        [tuple(_own(column.key, a, places, language) for column in _HXL) for a in activities],
        (ATTRIBUTION,),
    )


_NUMBERS: dict[str, Kind] = {"reached": "integer", "report_month": "date"}


def venezuelan_table(activities: Iterable[Activity], places: Places) -> Table:
    """Return the published Venezuelan 5W columns in their order, with Spanish values and a final flag for removed
    values. Columns that Ruta does not collect stay empty."""
    listed = [
        (Column(r["column"], same(r["column"]), r["hxl_tag"], _NUMBERS.get(r["column"], "text")))
        for r in rows(__package__, "data/ven_5w_columns")
    ]
    flag = Column("reached_masked", same("reached_masked"), FLAG)
    found = [
        (*(_own(column.key, a, places, "es") for column in listed), _flag(a)) for a in activities
    ]
    return Table("ven_5w", TITLE, (*listed, flag), found, (ATTRIBUTION,))


_R4V_NUMBERS: dict[str, Maker] = {
    "Quantity_output": lambda a, p, g: a.quantity,
    "Total_monthly": lambda a, p, g: a.reached,
    "Girls": lambda a, p, g: a.girls,
    "Boys": lambda a, p, g: a.boys,
    "Women": lambda a, p, g: a.women,
    "Men": lambda a, p, g: a.men,
    "Other_under": lambda a, p, g: a.other_children,
    "Other_above": lambda a, p, g: a.other_adults,
}


def _country(activity: Activity, places: Places, language: str) -> Cell:
    country = places.get(places.at_most(activity.adm1_pcode, 0))
    return country.label(language) if country else None


_R4V: dict[str, Maker] = {
    "Country": _country,
    "Admin1": lambda a, p, g: _place_name(a.adm1_pcode, p),
    "Admin2": lambda a, p, g: _place_name(a.adm2_pcode, p),
    "Appealing_org": lambda a, p, g: a.org_leader,
    "Implementation": lambda a, p, g: _set_up(a)[g],
    "Implementing_partner": lambda a, p, g: a.org_implementer,
    "Month": lambda a, p, g: a.report_month.strftime("%Y-%m"),
    "Subsector": lambda a, p, g: label("r4v_subsector", _sector(a), g),
    "Indicator": lambda a, p, g: _indicator(a, g),
    "Activity_Name": lambda a, p, g: _name(a, g),
    "Activity_Description": lambda a, p, g: a.activity_detail,
    **_R4V_NUMBERS,
}
_DIRECT = text("Directa", "Direct")
_PARTNER = text("Por socio implementador", "Through implementing partner")


def _set_up(activity: Activity) -> Text:
    return _DIRECT if activity.org_leader == activity.org_implementer else _PARTNER


def _indicator(activity: Activity, language: str) -> str | None:
    fitting = [i for i in ALLOWED if counts_towards(activity, i)]
    return fitting[-1].label[language] if fitting else None


def r4v_table(activities: Iterable[Activity], language: str, places: Places) -> Table:
    """Return the columns of the regional refugee and migrant response (R4V), with names in ``language``."""
    columns = [
        Column(
            r["column"], same(r["column"]), "", "integer" if r["column"] in _R4V_NUMBERS else "text"
        )
        for r in rows(__package__, "data/r4v_columns")
    ]
    found = [
        (*(_R4V[c.key](a, places, language) if c.key in _R4V else None for c in columns), _flag(a))
        for a in activities
    ]
    return Table(
        "r4v_5w", TITLE, (*columns, Column("Masked", same("Masked"))), found, (ATTRIBUTION,)
    )
