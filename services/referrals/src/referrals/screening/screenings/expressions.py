"""An instrument's conditions: the part of XLSForm's XPath that skip logic uses. Pure. Parsing happens at upload and
rejects unknown syntax, so that no question is skipped silently. An unanswered question is an empty text (ODK
XForms)."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

Value = str | float | bool
Values = Mapping[str, Value]
Evaluator = Callable[[Values], Value]

MAX_LENGTH = 2_000
_DEPTH = 40
CURRENT = "."
"""The name of the question's own answer in constraints."""
TODAY = "today()"
"""The name of the present day during evaluation."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<string>'[^']*'|\"[^\"]*\")"
    r"|\$\{\s*(?P<name>[A-Za-z_][A-Za-z0-9_.\-]*)\s*\}"
    r"|(?P<word>[a-z][a-z\-]*)|(?P<sign>!=|<=|>=|[=<>+\-*(),.]))"
)
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_NAN = float("nan")


class NotUnderstood(ValueError):
    """The text is not a supported condition; the message gives the reason."""


@dataclass(frozen=True)
class Expression:
    """A condition: its text, the questions it reads, and how to evaluate it."""

    text: str
    names: frozenset[str]
    evaluate: Evaluator

    def holds(self, values: Values) -> bool:
        return truth(self.evaluate(values))


def parse(text: str) -> Expression:
    """Parse a condition; raise NotUnderstood if it is not supported."""
    if len(text) > MAX_LENGTH:
        raise NotUnderstood(f"longer than {MAX_LENGTH} characters")
    reader = _Reader(_tokens(text))
    evaluate = reader.disjunction(0)
    if reader.peek() is not None:
        raise NotUnderstood(f"unexpected '{reader.peek_text()}'")
    return Expression(text, frozenset(reader.names), evaluate)


def truth(value: Value) -> bool:
    if isinstance(value, str):
        return value != ""
    return bool(value) and not math.isnan(value)


def number(value: Value) -> float:
    """Convert to a number. Other text becomes NaN, which makes every comparison false."""
    if isinstance(value, bool):
        return 1.0 if value else 0.0
    if isinstance(value, float):
        return value
    try:
        return float(value) if re.fullmatch(r"\s*-?\d{1,15}(\.\d{1,15})?\s*", value) else _NAN
    except ValueError:
        return _NAN


def text_of(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return value


Token = tuple[str, str]


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise NotUnderstood(f"unexpected '{text[at : at + 12].strip()}'")
        kind = str(match.lastgroup)
        found.append((kind, match[kind]))
        at = match.end()
    if not found:
        raise NotUnderstood("it is empty")
    return found


class _Reader:
    """A recursive-descent parser, lowest precedence first, in the order of XPath 1.0's operators."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self.names: set[str] = set()

    def peek(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def peek_text(self) -> str:
        token = self.peek()
        return token[1] if token else "the end"

    def _next(self) -> Token:
        token = self.peek()
        if token is None:
            raise NotUnderstood("it ends too early")
        self._at += 1
        return token

    def _take(self, *texts: str) -> str | None:
        token = self.peek()
        if token is not None and token[0] in ("word", "sign") and token[1] in texts:
            self._at += 1
            return token[1]
        return None

    def _expect(self, text: str) -> None:
        if self._take(text) is None:
            raise NotUnderstood(f"'{text}' expected, found '{self.peek_text()}'")

    def disjunction(self, depth: int) -> Evaluator:
        if depth > _DEPTH:
            raise NotUnderstood("nested too deeply")
        left = self._conjunction(depth)
        while self._take("or"):
            left = _either(left, self._conjunction(depth))
        return left

    def _conjunction(self, depth: int) -> Evaluator:
        left = self._comparison(depth)
        while self._take("and"):
            left = _both(left, self._comparison(depth))
        return left

    def _comparison(self, depth: int) -> Evaluator:
        left = self._sum(depth)
        while sign := self._take("=", "!=", "<", "<=", ">", ">="):
            left = _compared(sign, left, self._sum(depth))
        return left

    def _sum(self, depth: int) -> Evaluator:
        left = self._product(depth)
        while sign := self._take("+", "-"):
            left = _calculated(sign, left, self._product(depth))
        return left

    def _product(self, depth: int) -> Evaluator:
        left = self._operand(depth)
        while sign := self._take("*", "div", "mod"):
            left = _calculated(sign, left, self._operand(depth))
        return left

    def _operand(self, depth: int) -> Evaluator:
        if depth > _DEPTH:
            raise NotUnderstood("nested too deeply")
        if self._take("-"):
            return _calculated("-", _constant(0.0), self._operand(depth + 1))
        if self._take("("):
            inner = self.disjunction(depth + 1)
            self._expect(")")
            return inner
        kind, text = self._next()
        match kind:
            case "number":
                return _constant(float(text))
            case "string":
                return _constant(text[1:-1])
            case "name":
                self.names.add(text)
                return _answer(text)
            case "word":
                return self._call(text, depth)
        if text == CURRENT:
            self.names.add(CURRENT)
            return _answer(CURRENT)
        raise NotUnderstood(f"unexpected '{text}'")

    def _call(self, name: str, depth: int) -> Evaluator:
        if name not in _FUNCTIONS:
            known = ", ".join(sorted(_FUNCTIONS))
            raise NotUnderstood(f"'{name}' is not understood here; understood are: {known}")
        self._expect("(")
        arguments: list[Evaluator] = []
        if self._take(")") is None:
            arguments.append(self.disjunction(depth + 1))
            while self._take(","):
                arguments.append(self.disjunction(depth + 1))
            self._expect(")")
        least, most, make = _FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            raise NotUnderstood(f"'{name}' does not take {len(arguments)} arguments")
        return make(arguments)


def _constant(value: Value) -> Evaluator:
    return lambda _values: value


def _answer(name: str) -> Evaluator:
    return lambda values: values.get(name, "")


def _either(left: Evaluator, right: Evaluator) -> Evaluator:
    return lambda values: truth(left(values)) or truth(right(values))


def _both(left: Evaluator, right: Evaluator) -> Evaluator:
    return lambda values: truth(left(values)) and truth(right(values))


def _compared(sign: str, left: Evaluator, right: Evaluator) -> Evaluator:
    def compared(values: Values) -> bool:
        one, other = left(values), right(values)
        if sign in ("=", "!="):
            return _same(one, other) is (sign == "=")
        first, second = _ordered(one, other)
        match sign:
            case "<":
                return first < second
            case "<=":
                return first <= second
            case ">":
                return first > second
            case _:
                return first >= second

    return compared


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return truth(one) is truth(other)
    if isinstance(one, float) or isinstance(other, float):
        return number(one) == number(other)
    return one == other


def _ordered(one: Value, other: Value) -> tuple[float, float]:
    """Return both values as numbers; compare two dates by day, as ODK does."""
    if isinstance(one, str) and isinstance(other, str):
        days = _day(one), _day(other)
        if days[0] is not None and days[1] is not None:
            return float(days[0]), float(days[1])
    return number(one), number(other)


def _day(text: str) -> int | None:
    if not _ISO_DAY.fullmatch(text[:10]):
        return None
    try:
        return date.fromisoformat(text[:10]).toordinal()
    except ValueError:
        return None


def _calculated(sign: str, left: Evaluator, right: Evaluator) -> Evaluator:
    def calculated(values: Values) -> float:
        one, other = number(left(values)), number(right(values))
        match sign:
            case "+":
                return one + other
            case "-":
                return one - other
            case "*":
                return one * other
            case "div":
                return one / other if other else _NAN
            case _:
                return (
                    math.fmod(one, other) if other else _NAN
                )  # the result takes the sign of the dividend

    return calculated


def _selected(arguments: list[Evaluator]) -> Evaluator:
    chosen, code = arguments
    return lambda values: text_of(code(values)) in text_of(chosen(values)).split()


def _if(arguments: list[Evaluator]) -> Evaluator:
    condition, then, otherwise = arguments
    return lambda values: then(values) if truth(condition(values)) else otherwise(values)


def _coalesce(arguments: list[Evaluator]) -> Evaluator:
    first, second = arguments
    return lambda values: value if (value := first(values)) != "" else second(values)


def _of_one(work: Callable[[Value], Value]) -> Callable[[list[Evaluator]], Evaluator]:
    return lambda arguments: lambda values: work(arguments[0](values))


def _whole(value: Value) -> Value:
    read = number(value)
    return _NAN if math.isnan(read) else float(int(read))


_FUNCTIONS: dict[str, tuple[int, int, Callable[[list[Evaluator]], Evaluator]]] = {
    "not": (1, 1, _of_one(lambda value: not truth(value))),
    "true": (0, 0, lambda _arguments: _constant(True)),
    "false": (0, 0, lambda _arguments: _constant(False)),
    "today": (0, 0, lambda _arguments: _answer(TODAY)),
    "date": (1, 1, _of_one(text_of)),
    "selected": (2, 2, _selected),
    "count-selected": (1, 1, _of_one(lambda value: float(len(text_of(value).split())))),
    "string-length": (1, 1, _of_one(lambda value: float(len(text_of(value))))),
    "string": (1, 1, _of_one(text_of)),
    "number": (1, 1, _of_one(number)),
    "int": (1, 1, _of_one(_whole)),
    "if": (3, 3, _if),
    "coalesce": (2, 2, _coalesce),
}
