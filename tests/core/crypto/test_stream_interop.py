"""Against Tink itself, both ways."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
import tink
from tink import secret_key_access, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, common_pb2, tink_pb2

from skycap.core.crypto.segments import Layout
from skycap.core.crypto.stream import AES256_GCM_HKDF_1MB, AES256_GCM_HKDF_4KB, open_sealed, seal

KEY = hashlib.sha256(b"key").digest()
TEMPLATES = streaming_aead.streaming_aead_key_templates
LAYOUTS = [(AES256_GCM_HKDF_1MB, "1MB"), (AES256_GCM_HKDF_4KB, "4KB")]


class Sink(io.BytesIO):
    """Keeps its bytes when Tink closes it."""

    kept = b""

    def close(self) -> None:
        if not self.closed:
            self.kept = self.getvalue()
        super().close()


def tink_primitive(template: Any) -> Any:
    """Tink's parameter set, with a key of ours in it."""
    streaming_aead.register()
    key_format = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKeyFormat.FromString(template.value)
    key = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(
        version=0, key_value=KEY, params=key_format.params
    )
    keyset = tink_pb2.Keyset(primary_key_id=1)
    keyset.key.add(
        key_data=tink_pb2.KeyData(
            type_url=template.type_url,
            value=key.SerializeToString(),
            key_material_type=tink_pb2.KeyData.SYMMETRIC,
        ),
        status=tink_pb2.ENABLED,
        key_id=1,
        output_prefix_type=template.output_prefix_type,
    )
    handle = tink.proto_keyset_format.parse(keyset.SerializeToString(), secret_key_access.TOKEN)
    return handle.primitive(streaming_aead.StreamingAead)


@pytest.mark.parametrize(("layout", "name"), LAYOUTS, ids=["1MB", "4KB"])
def test_the_parameter_sets_are_tinks(layout: Layout, name: str) -> None:
    template = getattr(TEMPLATES, f"AES256_GCM_HKDF_{name}")
    key_format = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKeyFormat.FromString(template.value)
    assert key_format.params.ciphertext_segment_size == layout.segment_size
    assert key_format.params.derived_key_size == 32
    assert key_format.params.hkdf_hash_type == common_pb2.SHA256


def border_sizes() -> list[Any]:
    cases = []
    for layout, name in LAYOUTS:
        borders = {layout.plain_offset(segment) + extra for segment in (1, 2, 3) for extra in (-1, 0, 1)}
        sizes = sorted({0, 1, *borders, 5 * layout.room // 2})
        cases += [pytest.param(layout, name, size, id=f"{name}-{size}") for size in sizes]
    return cases


@pytest.mark.parametrize(("layout", "name", "size"), border_sizes())
def test_tink_opens_what_we_seal_and_we_open_what_tink_seals(layout: Layout, name: str, size: int) -> None:
    plain = hashlib.shake_128(b"plain").digest(size)
    primitive = tink_primitive(getattr(TEMPLATES, f"AES256_GCM_HKDF_{name}"))

    ours = seal(io.BytesIO(plain), key=KEY, aad=b"place", layout=layout).readall()
    with primitive.new_decrypting_stream(io.BytesIO(ours), b"place") as reader:
        assert reader.read() == plain

    sink = Sink()
    with primitive.new_encrypting_stream(sink, b"place") as writer:
        writer.write(plain)
    assert len(sink.kept) == layout.sealed_size(size)
    assert open_sealed(io.BytesIO(sink.kept), key=KEY, aad=b"place", layout=layout).readall() == plain
