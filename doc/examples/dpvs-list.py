#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Speaks to a running dpvsd with nothing but Python's standard library: an example for doc/protocol.md.

    dpvs-list.py                                   services and their servers
    dpvs-list.py hello                             who the daemon is
    dpvs-list.py add tcp|udp ADDRESS PORTS [SCHED] a service for each of PORTS: 80, or 80-89; all or none
    dpvs-list.py del tcp|udp ADDRESS PORTS         the same, away again
    dpvs-list.py sync tcp|udp ADDRESS PORTS [SCHED] afterwards there are these services and no others, by a transaction
    dpvs-list.py watch [COUNT]                     services and servers as they are, then each change; COUNT changes

The socket is $DPVS_SOCKET, or /run/dpvs/dpvs_ctrl. Exit status: 0, 1 the daemon refused, 2 wrong
usage, 3 there is no daemon or it does not follow the protocol.
"""
import errno
import os
import socket
import struct
import sys

VERSION = 0x00020000
GET, SET, EVENT = 0, 1, 2
TXN_BEGIN, TXN_APPEND, TXN_COMMIT, SUBSCRIBE = 8001, 8002, 8003, 8010
HELLO, GET_SERVICES, GET_DESTS, SET_SERVICE_ADD, SET_SERVICE_DEL = 8000, 202, 204, 202, 204
MORE, CHANGED = 1, 2  # bits of an answer's flags
NO_INDEX = 0xFFFFFFFF
PART_MAX, ERRSTR_MAX, RECORD_MAX = 16 << 20, 512, 4096

HEADER = struct.Struct("<IIIIQ")  # version, id, type, seq, len
REPLY = struct.Struct("<iIIIQ")  # errcode, flags, index, errstr_len, generation
BODY = struct.Struct("<II")  # record_size, count
ADDR = struct.Struct("<B3x16s")  # family, bytes
KEY = struct.Struct("<20sHBxI")  # vip, port, proto, fwmark
SERVICE_CONF = struct.Struct("<28sI16sIIIIII")  # key, set, sched, flags, sched_flags, persist 2 x, timeout, pad
SERVICE_INFO = struct.Struct("<72sII5Q5Q")  # conf, num_dests, num_laddrs, stats, rates
DEST_CONF = struct.Struct("<28s20sHBxIIII")  # svc, addr, port, fwd, set, weight, uthresh, lthresh
DEST_INFO = struct.Struct("<68sIII5Q5Q")  # conf, active, inactive, persistent, stats, rates
HELLO_INFO = struct.Struct("<IIQII32s32s")  # proto_version, features, max_request, max_inflight, pid, version, name

TXN = struct.Struct("<I4xQ")  # flags, generation
FILTER = struct.Struct("<I4x")  # kinds
EVENT_HEAD = struct.Struct("<QIII4x")  # serial, kind, op, len; then the data

TXN_SYNC = 8  # bit of a transaction's flags
APPEND_MAX = 1 << 20  # bytes of requests in one append: many small ones are slow, a large one is all or nothing
EVENT_GENERATION, EVENT_SERVICE, EVENT_DEST, EVENT_CONTROL = 1, 2, 4, 256
OPS = {1: "present", 2: "add", 3: "change", 4: "del", 5: "synced", 6: "missed"}
SET_SCHED = 1  # bit of dpvs_service_conf.set
FORWARD = {0: "NAT", 2: "tunnel", 3: "DR", 5: "full-NAT", 6: "SNAT"}
PROTO = {"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP}


class ProtocolError(Exception):
    """What came is not an answer."""


class Refused(Exception):
    """The daemon's own words for why it did not do it."""

    def __init__(self, code, text, index):
        super().__init__(text or os.strerror(-code))
        self.code, self.index = code, index

    def __str__(self):
        where = "" if self.index == NO_INDEX else ", record %d" % self.index
        return "%s (%s%s)" % (self.args[0], errno.errorcode.get(-self.code, self.code), where)


class Bytes(bytes):
    """Records of one byte each."""


class Client:
    """A connection: one request at a time, each with the whole of its answer."""

    def __init__(self, path, timeout=10.0):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(timeout)
        self.sock.connect(path)
        self.seq = 0
        self.changed = False  # of the last answer: the table changed while it was listed
        self.generation = 0
        self.parts = 0

    def read(self, size):
        """Exactly so many bytes; a read may bring fewer."""
        data = bytearray()
        while len(data) < size:
            piece = self.sock.recv(min(size - len(data), 1 << 16))
            if not piece:
                raise ProtocolError("the daemon closed the connection")
            data += piece
        return bytes(data)

    def request(self, type, id, records=(), layout=None):
        """Sends records of one size and returns those of the answer, unpacked as layout says."""
        if isinstance(records, Bytes):
            body = BODY.pack(1, len(records)) + records
        else:
            body = BODY.pack(len(records[0]), len(records)) + b"".join(records) if records else b""
        self.seq = self.seq % 0xFFFFFFFF + 1  # never 0
        gone = None
        try:
            self.sock.sendall(HEADER.pack(VERSION, id, type, self.seq, len(body)) + body)
        except (BrokenPipeError, ConnectionResetError) as error:
            gone = error  # it may have said why before it hung up
        self.changed, self.parts, answer, flags = False, 0, [], MORE
        while flags & MORE:
            try:
                code, flags, index, text, part = self.part(type, id)
            except (ProtocolError, OSError):
                if gone:
                    raise gone
                raise
            self.parts += 1
            self.changed |= bool(flags & CHANGED)
            answer += part
        if code:
            raise Refused(code, text, index)
        return [layout.unpack(fit(record, layout.size)) for record in answer] if layout else answer

    def transaction(self, flags, requests):
        """Carries out SET requests, (id, records), all or none."""
        self.request(SET, TXN_BEGIN, [TXN.pack(flags, 0)])
        for id, records in requests:
            step = max(1, APPEND_MAX // len(records[0]))
            for i in range(0, len(records), step):
                body = BODY.pack(len(records[0]), len(records[i:i + step])) + b"".join(records[i:i + step])
                whole = HEADER.pack(VERSION, id, SET, 1, len(body)) + body
                self.request(SET, TXN_APPEND, Bytes(whole))
        self.request(SET, TXN_COMMIT)

    def events(self, kinds):
        """Yields (kind, op, data) of each event; the socket says nothing for as long as nothing changes."""
        self.request(GET, SUBSCRIBE, [FILTER.pack(kinds)])
        self.sock.settimeout(None)
        while True:
            code, flags, index, text, records = self.part(EVENT, SUBSCRIBE)
            if code:
                raise Refused(code, text, index)
            for record in records:
                serial, kind, op, length = EVENT_HEAD.unpack_from(fit(record, EVENT_HEAD.size))
                yield kind, op, record[EVENT_HEAD.size:EVENT_HEAD.size + length]

    def part(self, type, id):
        """One part of an answer: errcode, flags, index, text, records."""
        version, got_id, got_type, got_seq, length = HEADER.unpack(self.read(HEADER.size))
        if version >> 16 != VERSION >> 16:
            raise ProtocolError("the daemon speaks version %d.%d" % (version >> 16, version & 0xFFFF))
        if not REPLY.size <= length <= PART_MAX + REPLY.size + ERRSTR_MAX:
            raise ProtocolError("a part of %d bytes" % length)
        data = self.read(length)
        code, flags, index, text_len, self.generation = REPLY.unpack_from(data)
        start = REPLY.size + (text_len + 7) // 8 * 8
        if text_len > ERRSTR_MAX or start > length or code > 0:
            raise ProtocolError("a text that does not fit")
        text = data[REPLY.size:REPLY.size + text_len].decode("utf-8", "replace")
        if (got_id, got_type, got_seq) == (0, 0, 0):
            raise Refused(code, text, index)  # not an answer: why the daemon hangs up
        if (got_id, got_type, got_seq) != (id, type, self.seq):
            raise ProtocolError("an answer to something else")
        return code, flags, index, text, split(data[start:])

    def close(self):
        self.sock.close()


def split(body):
    """The records of a body."""
    if not body:
        return []
    size, count = BODY.unpack_from(body.ljust(BODY.size, b"\0"))
    if size > RECORD_MAX or (size == 0 and count) or len(body) != BODY.size + size * count:
        raise ProtocolError("a body whose sizes do not add up")
    return [body[BODY.size + i * size:BODY.size + (i + 1) * size] for i in range(count)]


def fit(record, size):
    """A record of an older daemon gets zeros, what a newer one has more is left out."""
    return record[:size].ljust(size, b"\0")


def text(field):
    """A field of text ends at its first NUL, or is full."""
    return field.split(b"\0", 1)[0].decode("ascii", "replace")


def pack_addr(address):
    """20 bytes from "192.0.2.1" or "2001:db8::1"."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            return ADDR.pack(family, socket.inet_pton(family, address))
        except OSError:
            pass
    raise ValueError("'%s' is not an address" % address)


def show_end(addr, port):
    """"192.0.2.1:80" or "[2001:db8::1]:80"."""
    family, raw = ADDR.unpack(addr)
    if family == socket.AF_INET6:
        return "[%s]:%d" % (socket.inet_ntop(family, raw), port)
    return "%s:%d" % (socket.inet_ntop(socket.AF_INET, raw[:4]), port)


def show_proto(proto):
    return {number: name for name, number in PROTO.items()}.get(proto, str(proto))


def keys(proto, address, ports):
    """A dpvs_service_key for each port of "80" or "80-89"."""
    if proto not in PROTO:
        raise ValueError("'%s' is neither tcp nor udp" % proto)
    first, _, last = ports.partition("-")
    try:
        first, last = int(first), int(last or first)
    except ValueError:
        raise ValueError("'%s' is neither a port nor a range of ports" % ports) from None
    if not 1 <= first <= last <= 65535:
        raise ValueError("'%s' are no ports: 1 to 65535" % ports)
    vip = pack_addr(address)
    return [KEY.pack(vip, port, PROTO[proto], 0) for port in range(first, last + 1)]


def cmd_hello(client):
    found = client.request(GET, HELLO, layout=HELLO_INFO)
    if not found:
        raise ProtocolError("a hello without a record")
    proto, _, max_request, max_inflight, pid, version, name = found[0]
    print("%s %s, pid %d, protocol %d.%d, requests of %d bytes, %d at a time" % (
        text(name), text(version), pid, proto >> 16, proto & 0xFFFF, max_request, max_inflight))


def cmd_list(client):
    services = client.request(GET, GET_SERVICES, layout=SERVICE_INFO)
    changed, parts = client.changed, client.parts
    dests = {}
    for info in client.request(GET, GET_DESTS, layout=DEST_INFO):
        dests.setdefault(info[0][:KEY.size], []).append(info)
    for info in services:
        key, _, sched, *_ = SERVICE_CONF.unpack(info[0])
        vip, port, proto, _ = KEY.unpack(key)
        print("%s %s %s: %d connections" % (show_proto(proto), show_end(vip, port), text(sched), info[3]))
        for dest in dests.get(key, ()):
            _, addr, port, fwd, _, weight, _, _ = DEST_CONF.unpack(dest[0])
            print("  %s %s weight %d: %d active, %d inactive" % (
                show_end(addr, port), FORWARD.get(fwd, "mode %d" % fwd), weight, dest[1], dest[2]))
    print("services: %d, parts of the answer: %d" % (len(services), parts))
    if changed or client.changed:
        print("dpvs-list: the table changed while it was listed", file=sys.stderr)


def service_records(proto, address, ports, sched):
    name = sched.encode()
    if len(name) > 15:
        raise ValueError("'%s' is too long for a scheduler" % sched)
    return [SERVICE_CONF.pack(key, SET_SCHED if name else 0, name, 0, 0, 0, 0, 0, 0)
            for key in keys(proto, address, ports)]


def cmd_add(client, proto, address, ports, sched=""):
    client.request(SET, SET_SERVICE_ADD, service_records(proto, address, ports, sched))


def cmd_sync(client, proto, address, ports, sched=""):
    client.transaction(TXN_SYNC, [(SET_SERVICE_ADD, service_records(proto, address, ports, sched))])


def cmd_del(client, proto, address, ports):
    client.request(SET, SET_SERVICE_DEL, [
        SERVICE_CONF.pack(key, 0, b"", 0, 0, 0, 0, 0, 0) for key in keys(proto, address, ports)])


def cmd_watch(client, count="0"):
    try:
        left = int(count)
    except ValueError:
        raise ValueError("'%s' is not a number" % count) from None
    synced = False
    for kind, op, data in client.events(EVENT_GENERATION | EVENT_SERVICE | EVENT_DEST):
        name = OPS.get(op, "op %d" % op)
        if kind == EVENT_SERVICE:
            key, _, sched, *_ = SERVICE_CONF.unpack_from(data)
            vip, port, proto, _ = KEY.unpack(key)
            what = "service %s %s %s" % (show_proto(proto), show_end(vip, port), text(sched))
        elif kind == EVENT_DEST:
            svc, addr, port, fwd, _, weight, _, _ = DEST_CONF.unpack_from(data)
            vip, vport, proto, _ = KEY.unpack(svc)
            what = "server %s of %s %s, weight %d" % (
                show_end(addr, port), show_proto(proto), show_end(vip, vport), weight)
        elif kind == EVENT_GENERATION:
            what = "generation %d" % struct.unpack("<Q", data)
        else:
            what = "subscription"
        print(name, what, flush=True)
        if kind == EVENT_CONTROL:
            synced = name == "synced"
        elif synced:
            left -= 1
            if left == 0:
                return


# name: function, fewest and most arguments
COMMANDS = {
    "list": (cmd_list, 0, 0),
    "hello": (cmd_hello, 0, 0),
    "add": (cmd_add, 3, 4),
    "del": (cmd_del, 3, 3),
    "sync": (cmd_sync, 3, 4),
    "watch": (cmd_watch, 0, 1),
}


def main(args):
    name, *args = args or ["list"]
    if name in ("-h", "--help"):
        print(__doc__, end="")
        return 0
    function, fewest, most = COMMANDS.get(name, (None, 0, 0))
    if function is None or not fewest <= len(args) <= most:
        print(__doc__, end="", file=sys.stderr)
        return 2
    path = os.environ.get("DPVS_SOCKET", "/run/dpvs/dpvs_ctrl")
    client = None
    try:
        client = Client(path)
        function(client, *args)
    except Refused as error:
        print("dpvs-list: %s" % error, file=sys.stderr)
        return 1
    except ValueError as error:
        print("dpvs-list: %s" % error, file=sys.stderr)
        return 2
    except (OSError, ProtocolError) as error:
        print("dpvs-list: %s: %s" % (path, error), file=sys.stderr)
        return 3
    finally:
        if client:
            client.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
