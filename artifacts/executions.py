"""What happened: one record for each key under which a step ran.

An execution joins a key to what came out of it. It holds the whole identity that the key was computed from (so that
`graft plan` can say what changed and `graft verify` can derive the key anew), the outputs with the hash of each one's
manifest, and what is only worth knowing: seconds, device, versions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from artifacts.digest import digest_json
from artifacts.errors import RecordDamaged
from artifacts.refs import Ref, ref_from_json
from artifacts.sealed import seal, unseal


@dataclass(frozen=True)
class Output:
    """An output of a step: the reference and the SHA-256 of the manifest's bytes."""

    ref: Ref
    manifest: str


@dataclass(frozen=True)
class Execution:
    """One execution of a step.

    Attributes:
        identity: what the key is the digest of: step, code, inputs, data, parameters, seed, versions, device.
        outputs: name → output, the main one first.
        seconds: how long the step's body took.
        facts: what is recorded but is no part of the identity (CPU model, code files).
    """

    identity: Mapping[str, Any]
    outputs: Mapping[str, Output]
    seconds: float
    facts: Mapping[str, Any]

    @property
    def key(self) -> str:
        return digest_json(self.identity)

    @property
    def step(self) -> str:
        return str(self.identity["step"])

    def refs(self) -> dict[str, Ref]:
        return {name: output.ref for name, output in self.outputs.items()}

    def to_bytes(self) -> bytes:
        # A list keeps the order of the outputs, which sorted keys would lose.
        outputs = [[name, {**out.ref.to_json(), "manifest": out.manifest}] for name, out in self.outputs.items()]
        body = {"key": self.key, "identity": dict(self.identity), "outputs": outputs}
        return seal({**body, "seconds": self.seconds, "facts": dict(self.facts)})

    @classmethod
    def from_bytes(cls, content: bytes, key: str) -> "Execution":
        """Raises RecordDamaged where this is not the execution of `key`."""
        body = unseal(content, f"execution {key}")
        outputs = {name: Output(ref_from_json(value), value["manifest"]) for name, value in body["outputs"]}
        execution = cls(body["identity"], outputs, body["seconds"], body["facts"])
        if not body["key"] == execution.key == key:
            raise RecordDamaged(f"execution {key}: it is the record of another key, {execution.key}.")
        return execution
