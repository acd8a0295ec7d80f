"""store_proxy.py PORT TO_PORT FLAG: between a server and PostgreSQL. While the file FLAG exists, one of some
answers is thrown away after the database gave it, and the connection closed: what was done nobody was told."""
import os
import random
import socket
import sys
import threading

port, to_port, flag = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
draw = random.Random(1)


def close(*sockets):
    for s in sockets:
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        s.close()


def pump(a, b, cuts):
    try:
        while data := a.recv(1 << 16):
            if cuts and os.path.exists(flag) and draw.random() < 0.04:
                print("cut", flush=True)
                break
            b.sendall(data)
    except OSError:
        pass
    close(a, b)


listener = socket.create_server(("127.0.0.1", port))
print("ready", flush=True)
while True:
    client, _ = listener.accept()
    try:
        server = socket.create_connection(("127.0.0.1", to_port))
    except OSError:
        client.close()
        continue
    threading.Thread(target=pump, args=(client, server, False), daemon=True).start()
    threading.Thread(target=pump, args=(server, client, True), daemon=True).start()
