"""API models with a text for each language. Only this module has the languages as fields. Pure."""

from typing import Generic, TypeVar

from pydantic import BaseModel

Said = TypeVar("Said")


class Each(BaseModel, Generic[Said]):
    es: Said
    en: Said
