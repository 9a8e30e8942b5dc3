"""A person's own notification channels (mailbox, telephone, browser) and their permitted hours."""

from collections.abc import Mapping
from typing import Any

from common.auth import Role

from console.answers import together
from console.assets import WORKER
from console.channels import commands
from console.screens.routing import Screens
from console.screens.visit import Page, Visit, one_of, shown

screens = Screens()
_CHANNELS = "/referrals/v1/channels"


@screens.page("/channels")
async def channels(visit: Visit) -> Page:
    own, kinds, away = await together(
        visit.calls.get(_CHANNELS),
        visit.calls.get(f"{_CHANNELS}/kinds"),
        visit.calls.get(f"{_CHANNELS}/away"),
    )
    of_team = []
    if Role.SUPERVISOR in visit.visitor.roles:
        of_team = await together(
            visit.calls.get(f"{_CHANNELS}/team"),
            visit.calls.get("/identity/v1/colleagues", limit=200),
        )
    shown(own)
    names = {one["id"]: one["sign_in_name"] for one in of_team[1].items} if of_team else {}
    return Page(
        "channels/templates/channels.html",
        "title.channels",
        {
            "channels": [_row(one, visit) for one in own.body],
            "team": [
                {**_row(one, visit), "name": names.get(one["person"], "")}
                for one in (of_team[0].items if of_team else ())
            ],
            "supervises": bool(of_team),
            "options": {
                "kind": [
                    (kind, visit.say(f"word.{kind}"))
                    for kind in (kinds.body["kinds"] if kinds.ok else [])
                    if kind != "push"  # the browser supplies its own address
                ]
            },
            "command": commands.ADD,
            "leave": commands.AWAY if away.ok else None,
            "days": away.body if away.ok else {},
            "away_now": _days_away(away.body, visit) if away.ok else "",
            "push": commands.PUSH,
            "push_key": (kinds.body["push_key"] or "") if kinds.ok else "",
            "worker": f"/console/{WORKER}",
            "defaults": {
                "language": visit.language,
                "pace": "at_once",
                "digest_at": "08:00",
                "quiet_from": "20:00",
                "quiet_until": "06:00",
            },
        },
    )


screens.command("/channels", commands.PUSH, show=channels, to="/console/channels")
screens.command("/channels", commands.ADD, show=channels, to="/console/channels/{id}")


screens.command("/channels", commands.AWAY, show=channels, to="/console/channels")


def _days_away(said: Mapping[str, Any], visit: Visit) -> str:
    if not said["away_until"] or said["away_until"] < visit.moments.today:
        return ""
    first, last = visit.moments.day(said["away_from"]), visit.moments.day(said["away_until"])
    return visit.say("channels.away_now", first=first, last=last)


def _row(one: Mapping[str, Any], visit: Visit) -> Mapping[str, Any]:
    say = visit.say
    return {
        "id": one["id"],
        "kind": say.known(f"word.{one['kind']}", "channel.push"),
        "address": one["address"],
        "pace": say.known(f"word.{one['pace']}", "code.other"),
        "quiet": say("channel.quiet", start=one["quiet_from"][:5], end=one["quiet_until"][:5])
        if one["quiet_from"] and one["quiet_until"]
        else "",
        "status": say.known(f"channel.status.{one['status']}", "code.other"),
        "active": one["status"] == "active",
        "to_confirm": one["status"] == "to_confirm",
        "why": say.known(f"channel.off.{one['switched_off']}", "channel.off.other")
        if one["switched_off"]
        else "",
        "told": visit.moments.at(one["told_at"]),
    }


@screens.page("/channels/{channel_id:uuid}")
async def channel(visit: Visit) -> Page:
    one = one_of(await visit.calls.get(_CHANNELS), visit.ids["channel_id"])
    times = {name: (one[name] or "")[:5] for name in ("digest_at", "quiet_from", "quiet_until")}
    return Page(
        "channels/templates/channel.html",
        "title.channels",
        {
            "row": _row(one, visit),
            "push": one["kind"] == "push",
            "commands_of": commands,
            "now": {**one, **times},
        },
    )


for each in (commands.CONFIRM, commands.CODE, commands.WISHES):
    screens.command(
        "/channels/{channel_id:uuid}", each, show=channel, to="/console/channels/{channel_id}"
    )
screens.command(
    "/channels/{channel_id:uuid}", commands.REMOVE, show=channel, to="/console/channels"
)
