"""A mail server that speaks TLS from the first byte on, one that asks for STARTTLS, and one without TLS.

Prints their ports, then each mail that it takes, and each password that it is told, as lines of JSON.
"""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


def tell(**what):
    print(json.dumps(what), flush=True)


class Box:
    async def handle_DATA(self, server, session, envelope):
        tls = server.transport.get_extra_info("ssl_object") is not None
        tell(mail=envelope.content.decode(), to=envelope.rcpt_tos, tls=tls)
        return "250 taken"


def welcome(server, session, envelope, mechanism, login):
    tell(user=login.login.decode(), password=login.password.decode())
    return AuthResult(success=True)


async def main(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    loop = asyncio.get_running_loop()
    ports = []
    for tls, starttls in ((context, None), (None, context), (None, None)):
        def serve(starttls=starttls, tls=tls):
            asks = dict(authenticator=welcome, auth_require_tls=tls is None)
            if starttls:
                asks.update(tls_context=starttls, require_starttls=True)
            return SMTP(Box(), hostname="localhost", **asks)

        server = await loop.create_server(serve, "127.0.0.1", 0, ssl=tls)
        ports.append(server.sockets[0].getsockname()[1])
    tell(ports=ports)
    await asyncio.sleep(120)


asyncio.run(main(*sys.argv[1:]))
