# SPDX-License-Identifier: Apache-2.0
import asyncio

from aiohttp import ClientConnectorError, ClientSession, web


async def main():
    async def answer(request):
        return web.json_response({"path": request.path, "body": await request.text()})

    async def talk(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data.upper())
        return socket

    application = web.Application()
    application.add_routes([web.get("/ws", talk), web.route("*", "/{any}", answer)])
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with ClientSession() as session:
        replies = await asyncio.gather(*(session.post(f"{url}/{i}", data=str(i)) for i in range(20)))
        print([(await reply.json())["body"] for reply in replies])
        async with session.ws_connect(url + "/ws") as socket:
            await socket.send_str("hello")
            print((await socket.receive()).data)
        try:
            await session.get("http://127.0.0.1:1/")
        except ClientConnectorError as error:
            print(type(error).__name__, error.os_error.errno)
        print(sorted(info["family"].name for info in await asyncio.get_running_loop().run_in_executor(None, names)))
    await runner.cleanup()


def names():
    import socket

    return [{"family": info[0]} for info in socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)]


asyncio.run(main())
