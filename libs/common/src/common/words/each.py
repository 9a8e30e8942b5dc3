"""API models with one text per language. Only this module has the languages as fields. Pure."""

from typing import Generic, TypeVar

from pydantic import BaseModel

Said = TypeVar("Said")


class Each(BaseModel, Generic[Said]):
    es: Said
    en: Said
