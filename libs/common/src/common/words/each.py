"""API models with one text per language. Only this module has fields named after languages. Pure."""

from typing import Generic, TypeVar

from pydantic import BaseModel

Said = TypeVar("Said")


class Each(BaseModel, Generic[Said]):
    es: Said
    en: Said
