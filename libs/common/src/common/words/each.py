"""What bodies of the API say in each language, and it is the one place that names the languages as fields. Pure."""

from typing import Generic, TypeVar

from pydantic import BaseModel

Said = TypeVar("Said")


class Each(BaseModel, Generic[Said]):
    es: Said
    en: Said
