"""What all sections of a recipe have in common."""

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


class Section(BaseModel):
    """Base of all sections: unknown keys, silent conversions, NaN and infinities are refused; nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class LeftOut:
    """Marks a section that may be left out (`Section | None`): the JSON schema then has the section alone, not null."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        section: JsonSchemaValue = handler(schema)["anyOf"][0]
        return section
