"""Bodies of what is overdue."""

from pydantic import BaseModel


class OverdueCount(BaseModel):
    aor: str
    category: str
    urgency: str
    count: int
