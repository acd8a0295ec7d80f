# tls_proxy.py PORT CERT KEY [CERT KEY ...]: what stands before a server, with a port for each certificate; prints them.
import socket
import ssl
import sys
import threading


def copy(source, to):
    try:
        while data := source.recv(65536):
            to.sendall(data)
    except OSError:
        pass
    try:
        to.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(raw, context, port):
    try:
        client = context.wrap_socket(raw, server_side=True)
        server = socket.create_connection(("127.0.0.1", port))
    except OSError:  # the client does not like the certificate
        raw.close()
        return
    threading.Thread(target=copy, args=(client, server), daemon=True).start()
    copy(server, client)


def listen(listener, context, port):
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0], context, port), daemon=True).start()


pairs, ports, threads = sys.argv[2:], [], []
for cert, key in zip(pairs[::2], pairs[1::2]):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    listener = socket.create_server(("127.0.0.1", 0))
    ports.append(str(listener.getsockname()[1]))
    threads.append(threading.Thread(target=listen, args=(listener, context, int(sys.argv[1]))))
for t in threads:
    t.start()
print(*ports, flush=True)
