"""Tails and streams: which bytes are kept, and whose they are."""

import mmap
import os

from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.agent.stream import Stream
from cloud.agent.tail import LINE_MAX_BYTES, MAX_BYTES, MAX_LINES, READ_MAX_BYTES, Tail
from cloud.wire.ring import OUTPUT_TAKEN, SIZE_BYTES, Ring
from cloud.wire.worker import MARK

NONCE = bytes(range(1, 17))


def pieces(whole: bytes, size: int = READ_MAX_BYTES) -> list[bytes]:
    return [whole[i : i + size] for i in range(0, len(whole), size)]


def kept(whole: bytes, size: int = READ_MAX_BYTES) -> bytes:
    tail = Tail()
    for piece in pieces(whole, size):
        tail.add(piece)
    return tail.take()


def test_short_output_is_kept_as_it_is() -> None:
    assert kept(b"one\ntwo") == b"one\ntwo"
    assert kept(b"") == b""


def test_the_last_thousand_lines_are_kept_whether_the_last_is_finished_or_not() -> None:
    lines = [b"%d\n" % i for i in range(50_000)]
    assert kept(b"".join(lines)) == b"".join(lines[-MAX_LINES:])
    assert kept(b"".join(lines) + b"end") == b"".join(lines[-MAX_LINES + 1 :]) + b"end"


def test_the_last_four_mebibytes_are_kept_from_the_beginning_of_a_line() -> None:
    line = b"x" * 60_000 + b"\n"
    assert kept(line * 200) == line * (MAX_BYTES // len(line))


def test_the_memory_of_a_tail_is_bounded() -> None:
    tail = Tail()
    for piece in (b"y" * READ_MAX_BYTES, b"z\n" * (READ_MAX_BYTES // 2)):
        for _ in range(500):
            tail.add(piece)
            assert len(tail._kept) <= 6 << 20


SAID = (b"x\n" * 3000, b"y" * 50_000, b"\n", b"z" * 60_000 + b"\n", b"end")


@given(st.lists(st.sampled_from(range(len(SAID))), max_size=40))
@settings(max_examples=30, deadline=None)
def test_what_is_read_along_is_what_is_kept_in_the_end_at_the_same_positions(said: list[int]) -> None:
    tail = Tail()
    read = bytearray()
    for i in said:
        tail.add(SAID[i])
        start, data = tail.since(len(read), 1 << 30)
        read += bytes(start - len(read)) + data  # more than a thousand lines in one piece may have gone already
    late, rest = tail.since(0, 1 << 30)
    assert rest == bytes(read[late:])
    kept = tail.take()
    assert kept[: len(read) - kept.dropped] == bytes(read[kept.dropped :])
    assert tail.since(0, 1 << 30) == (0, b"")


@given(st.integers(0, 200_000), st.integers(1, READ_MAX_BYTES))
@settings(max_examples=30, deadline=None)
def test_a_long_line_is_cut_once_however_it_arrives(length: int, size: int) -> None:
    text = kept(b"a\n" + b"x" * length + b"\nb", size)
    first, middle, last = text.split(b"\n")
    assert (first, last) == (b"a", b"b")
    if length <= LINE_MAX_BYTES:
        assert middle == b"x" * length
    else:
        assert middle == b"x" * LINE_MAX_BYTES + b" [... %d bytes of this line left out]" % (length - LINE_MAX_BYTES)


@given(st.lists(st.binary(max_size=60), max_size=8), st.lists(st.integers(1, 40), min_size=1, max_size=30))
@settings(max_examples=100, deadline=None)
def test_marks_part_the_jobs_however_the_bytes_arrive(outputs: list[bytes], sizes: list[int]) -> None:
    ring = Ring(mmap.mmap(-1, SIZE_BYTES))
    read, write = os.pipe()
    os.set_blocking(read, False)
    try:
        stream = Stream(read, ring, OUTPUT_TAKEN, NONCE)
        whole = b"".join(output + MARK.pack(NONCE, seq) for seq, output in enumerate(outputs)) + NONCE[:5]
        turn = 0
        while whole:
            size = sizes[turn % len(sizes)]
            turn += 1
            os.write(write, whole[:size])
            whole = whole[size:]
            stream.read()
        assert [stream.output_of(seq) for seq in range(len(outputs))] == outputs
        assert ring.words[OUTPUT_TAKEN] == 1  # five bytes that no mark follows
        assert stream.cut_off() == NONCE[:5]
    finally:
        os.close(read)
        os.close(write)
        ring.close()


def test_the_word_says_whether_bytes_were_taken_that_no_mark_follows() -> None:
    ring = Ring(mmap.mmap(-1, SIZE_BYTES))
    read, write = os.pipe()
    os.set_blocking(read, False)
    stream = Stream(read, ring, OUTPUT_TAKEN, NONCE)
    stream.read()
    assert ring.words[OUTPUT_TAKEN] == 0
    os.write(write, b"some")
    stream.read()
    assert ring.words[OUTPUT_TAKEN] == 1
    os.write(write, MARK.pack(NONCE, 0))
    stream.read()
    assert ring.words[OUTPUT_TAKEN] == 0
    os.close(write)
    stream.read()
    assert not stream.open
    os.close(read)
    ring.close()
