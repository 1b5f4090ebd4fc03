# SPDX-License-Identifier: Apache-2.0
"""Against a server that speaks as much of PostgreSQL's protocol as one query needs."""

import socket
import struct
import threading

import psycopg2


def message(kind, body=b""):
    return kind + struct.pack("!i", len(body) + 4) + body


def serve(listener):
    peer, _ = listener.accept()
    with peer, peer.makefile("rb") as stream:
        stream.read(struct.unpack("!i", stream.read(4))[0] - 4)
        settings = b"".join(
            message(b"S", key + b"\0" + value + b"\0")
            for key, value in ((b"server_version", b"15.0"), (b"client_encoding", b"UTF8"), (b"DateStyle", b"ISO"))
        )
        peer.sendall(message(b"R", struct.pack("!i", 0)) + settings + message(b"Z", b"I"))
        while True:
            kind = stream.read(1)
            if kind in (b"", b"X"):
                return
            query = stream.read(struct.unpack("!i", stream.read(4))[0] - 4)
            column = message(b"T", struct.pack("!h", 1) + b"c\0" + struct.pack("!ihihih", 0, 0, 25, -1, -1, 0))
            row = message(b"D", struct.pack("!hi", 1, len(query) - 1) + query[:-1])
            peer.sendall(column + row + message(b"C", b"SELECT 1\0") + message(b"Z", b"I"))


with socket.create_server(("127.0.0.1", 0)) as listener:
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    port = listener.getsockname()[1]
    connection = psycopg2.connect(
        host="127.0.0.1", port=port, user="u", dbname="d", sslmode="disable", gssencmode="disable"
    )
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("select %s, %s", ("it's", 5))
        print(cursor.fetchall(), connection.server_version)
    connection.close()
try:
    psycopg2.connect(host="127.0.0.1", port=1, user="u", connect_timeout=5)
except psycopg2.OperationalError as error:
    print("refused" in str(error))
