"""Calls of the store whose bodies are none: deep, endless, or of the wrong kinds."""

import msgspec

from headwater.store.calls import calls, pack

DEPTHS = (200, 900, 3000, 100_000)
MIB = 2**20


def test_messagepack_that_promises_or_nests_without_end_is_only_a_bad_request(victim):
    huge = b"\xff\xff\xff\xff"
    text = {"name": "\ud800", "\ud800": 1}
    for body in (
        b"",
        b"\xc1",
        *(b"\x91" * depth for depth in DEPTHS),
        *(b"\x81\xa1a" * depth for depth in DEPTHS),
        *(lead + huge for lead in (b"\xdd", b"\xdf", b"\xdb", b"\xc6", b"\xc9")),
        b"\x81\xa3ids\xdd" + huge,
        *(bytes((0xD4, code, 0)) for code in (0, 1, 2, 3, 4, 127, 128, 255)),
        b"\xc7\x01\x02\xc0",
        pack(text),
        pack({"ids": [10**5000], "name": 10**5000, "names": [10**400]}),
        b"\x81\x91\x90\x00",
    ):
        for name in ("models.get", "artifacts.add"):
            for accepted in ("*/*", "application/msgpack"):
                headers = {"Accept": accepted}
                answer = victim.ask("POST", f"/api/v1/store/{name}", content=body, headers=headers)
                assert answer.status_code == 400 or body == pack(text), (name, body[:20])


def test_extensions_inside_extensions_do_not_multiply_memory(victim):
    body = msgspec.msgpack.encode(b"x" * (8 * MIB))
    for _ in range(150):
        body = msgspec.msgpack.encode(msgspec.msgpack.Ext(1, body))
    before = victim.peak_bytes()

    answer = victim.ask("POST", "/api/v1/store/models.get", content=body)

    assert answer.status_code == 400
    assert victim.peak_bytes() - before < 100 * MIB


def test_every_call_of_the_store_refuses_what_is_none_of_its_arguments(victim):
    odd = [
        None,
        -1,
        2**63,
        10**300,
        1.5,
        float("nan"),
        "",
        "\ud800",
        b"\xff",
        [],
        {},
        [[[]]],
        {"": None},
        True,
    ]
    before = victim.rows()
    for name, call in calls().items():
        if call.permission.name == "READ":
            for value in odd:
                arguments = dict.fromkeys(call.parameters, value)
                victim.ask("POST", f"/api/v1/store/{name}", content=pack(arguments))
    assert victim.rows() == before
