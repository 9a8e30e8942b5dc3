"""Code lists that are the same for everybody; each process caches them for some minutes. They contain no personal data,
so they are the only API responses that a process stores."""

import time

from console.answers import Answer, Api

_SECONDS = 600
_KEPT: dict[str, tuple[float, Answer]] = {}
SITUATIONS = "/directory/v1/pathways/situations"
LINE_FORM, LINE_ANSWERS = "/referrals/v1/line/form", "/referrals/v1/line/answers"
ASSISTANCE = "/referrals/v1/assistance/codes"


async def code_list(api: Api, path: str) -> Answer:
    """Return the list from the cache; failed responses are not cached."""
    at, kept = _KEPT.get(path, (0.0, None))
    if kept is not None and time.monotonic() - at <= _SECONDS:
        return kept
    answer = await (api.get_as_nobody(path) if path == LINE_FORM else api.get(path))
    if answer.ok:
        _KEPT[path] = (time.monotonic(), answer)
    return answer


async def situations(api: Api, language: str) -> list[tuple[str, str]]:
    """Return the pathway situations as pairs of code and label; empty while the directory is unavailable."""
    answer = await code_list(api, SITUATIONS)
    return [(one["code"], one["says"][language]) for one in answer.items]


async def line_kinds(api: Api, language: str) -> dict[str, str]:
    """Return the labels of the anonymous line's report kinds; empty while the line is unavailable."""
    answer = await code_list(api, LINE_FORM)
    kinds = answer.body["kinds"] if answer.ok else {}
    return {code: words[language] for code, words in kinds.items()}


async def assistance_codes(api: Api, language: str) -> dict[str, dict[str, str]]:
    """Return the code lists about assistance by name, with a label for each code; empty while the API is
    unavailable."""
    answer = await code_list(api, ASSISTANCE)
    return {
        name: {code: words[language] for code, words in codes.items()}
        for name, codes in (answer.body if answer.ok else {}).items()
    }
