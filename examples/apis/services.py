"""Both APIs on this machine, for `toolgate up`: `python services.py [PORT]`. It looks at no signature and no key."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PRICES = {"LAMP-1": 49.0, "BOOK-1": 12.5}
orders: dict[str, dict[str, object]] = {}


class Shop(BaseHTTPRequestHandler):
    """Answers as the two documents say."""

    def do_GET(self) -> None:  # the name is the library's
        """A price, every price, or an order."""
        path, _, query = self.path.partition("?")
        *_, collection, name = path.split("/")
        if name == "prices":
            self._answer(200, PRICES)
        elif collection == "prices" and name in PRICES:
            currency = "USD" if "currency=USD" in query else "EUR"
            self._answer(200, {"sku": name, "price": PRICES[name], "currency": currency})
        elif collection == "orders" and name in orders:
            self._answer(200, orders[name])
        else:
            self._answer(404, {"message": f"no {name}"})

    def do_POST(self) -> None:
        """Place an order."""
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        number = str(len(orders) + 1)
        orders[number] = {"id": number, **order}
        self._answer(201, orders[number])

    def _answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
    ThreadingHTTPServer(("127.0.0.1", port), Shop).serve_forever()
