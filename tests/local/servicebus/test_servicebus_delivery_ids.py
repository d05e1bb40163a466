"""Delivery ids that a client repeats: the engine gets a sequence, the client gets its own ids back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from fixtures.servicebus import emulator, message, opened, receive, receiver, sender
from proton import uint, ulong, ushort

from local.servicebus.delivery_ids import DeliveryIds
from local.servicebus.encoding import decode_described, encode_described

BEGIN, TRANSFER, DISPOSITION, END = 0x11, 0x14, 0x15, 0x17


def frame(code, fields, payload=b"", *, channel=0):
    body = encode_described(code, fields) + payload
    return (8 + len(body)).to_bytes(4) + bytes((2, 0)) + channel.to_bytes(2) + body


def transfer(handle, delivery_id, *, more=False, payload=b"body", settled=False):
    fields = [uint(handle), None if delivery_id is None else uint(delivery_id), b"tag", uint(0), settled, more]
    return frame(TRANSFER, fields, payload)


def disposition(first, last=None, *, settled=True):
    return frame(DISPOSITION, [True, uint(first), None if last is None else uint(last), settled, None])


def read(data):
    """(fields, payload) of each frame."""
    found = []
    while data:
        size = int.from_bytes(data[:4])
        _, fields, length = decode_described(data[8:size])
        found.append((fields, data[8 + length : size]))
        data = data[size:]
    return found


@pytest.fixture
def ids():
    """One client session, on the same channel at both ends."""
    translation = DeliveryIds()
    translation.from_client(b"AMQP\x00\x01\x00\x00" + frame(BEGIN, [None, uint(0), uint(9), uint(9)]))
    translation.to_client(b"AMQP\x00\x01\x00\x00" + frame(BEGIN, [ushort(0), uint(0), uint(9), uint(9)]))
    return translation


def test_a_sequence_in_order_is_not_touched(ids):
    sent = b"".join(transfer(0, number) for number in range(3))
    assert ids.from_client(sent) == sent
    assert ids.to_client(disposition(0, 2)) == disposition(0, 2)


def test_repeated_ids_become_a_sequence_and_are_settled_under_the_clients_numbers(ids):
    received = read(ids.from_client(transfer(0, 5) + transfer(1, 5) + transfer(0, 7)))
    assert [fields[1] for fields, _ in received] == [5, 6, 7]
    assert [payload for _, payload in received] == [b"body"] * 3
    assert [fields[1] for fields, _ in read(ids.to_client(disposition(5, 7)))] == [5, 5, 7]
    assert ids.to_client(disposition(6)) == disposition(6), "settled, so the number is dropped"


def test_the_frames_of_one_delivery_keep_one_id_while_another_link_sends(ids):
    sent = transfer(0, 0, more=True) + transfer(1, 0) + transfer(0, 0)
    assert [fields[1] for fields, _ in read(ids.from_client(sent))] == [0, 1, 0]


def test_frames_may_arrive_in_pieces(ids):
    sent = transfer(0, 3) + transfer(0, 3)
    whole = b"".join(ids.from_client(sent[place : place + 1]) for place in range(len(sent)))
    assert [fields[1] for fields, _ in read(whole)] == [3, 4]


def test_a_session_that_ended_leaves_nothing_to_the_next_on_its_channel(ids):
    ids.from_client(transfer(0, 3) + frame(END, []) + frame(BEGIN, [None, uint(0), uint(9), uint(9)]))
    assert ids.from_client(transfer(0, 0)) == transfer(0, 0)


def test_our_own_deliveries_keep_their_ids(ids):
    ids.from_client(transfer(0, 5) + transfer(0, 5))
    ours = frame(DISPOSITION, [False, uint(6), None, True, None])
    assert ids.to_client(ours) == ours


@pytest.mark.parametrize("fields", [[], ["no handle"], [uint(0), None, b"tag"], {"no": ulong(1)}])
def test_what_cannot_be_read_is_passed_on(ids, fields):
    assert ids.from_client(frame(TRANSFER, fields)) == frame(TRANSFER, fields)


@pytest.mark.wire
async def test_management_requests_of_one_client_may_run_at_once():
    async with (
        emulator(queues=[{"name": "orders"}]) as bus,
        opened(bus, sender("orders"), receiver("orders")) as (out, into),
    ):
        await out.send_messages([message(str(number)) for number in range(5)])
        got = await receive(into, 5)
        renewals = [into.renew_message_lock(one) for one in got]
        *_, seen = await asyncio.gather(*renewals, into.peek_messages(10, sequence_number=1))
        assert len(seen) == 5
        for one in got:
            await into.complete_message(one)
        assert bus.namespace.depths()["orders"].active == 0


@pytest.mark.wire
async def test_sends_and_schedules_of_one_client_may_run_at_once():
    async with emulator(queues=[{"name": "orders"}]) as bus, opened(bus, sender("orders")) as (out,):
        later = datetime.now(UTC) + timedelta(hours=1)
        await asyncio.gather(*(out.schedule_messages(message("x" * 1000), later) for _ in range(8)))
        assert bus.namespace.depths()["orders"].scheduled == 8
