"""A process that draws: reads a line of JSON per drawing, answers with one. Run as a file, it imports nothing of ours.

vl-convert holds the interpreter while it draws, so that in this process no timeout could end it and no heartbeat
would go out meanwhile; and what it takes of memory goes with the process.
"""

from __future__ import annotations

import base64
import json
import sys
from typing import Any

_VERSION = "5.20"  # of Vega-Lite, which every vl-convert from 1.7 on brings


def main() -> None:
    """Draw until nothing more is asked for."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_answer(json.loads(line))) + "\n")
        sys.stdout.flush()


def _answer(request: dict[str, Any]) -> dict[str, str]:
    import vl_convert

    drawing: Any = vl_convert
    try:
        svg: str = drawing.vegalite_to_svg(
            request["spec"], vl_version=_VERSION, allowed_base_urls=[]
        )
        if not request.get("scale"):
            return {"svg": svg}
        png: bytes = drawing.svg_to_png(svg, scale=request["scale"])
        return {"png": base64.b64encode(png).decode("ascii")}
    except ValueError as error:
        return {"error": " ".join(str(error).split())[:300]}


if __name__ == "__main__":
    main()
