# SPDX-License-Identifier: Apache-2.0
from concurrent import futures

import grpc


class Service(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == "/s/Echo":
            return grpc.unary_unary_rpc_method_handler(lambda request, context: b"echo " + request)
        if details.method == "/s/Count":
            return grpc.unary_stream_rpc_method_handler(lambda request, context: (b"%d" % i for i in range(5)))
        return None


server = grpc.server(futures.ThreadPoolExecutor(4))
server.add_generic_rpc_handlers((Service(),))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
    print(channel.unary_unary("/s/Echo")(b"x", timeout=20), list(channel.unary_stream("/s/Count")(b"", timeout=20)))
    try:
        channel.unary_unary("/s/None")(b"", timeout=20)
    except grpc.RpcError as error:
        print(error.code())
server.stop(0).wait()
