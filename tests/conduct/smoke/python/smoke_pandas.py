# SPDX-License-Identifier: Apache-2.0
import io
import tempfile

import pandas as pd

frame = pd.DataFrame(
    {"k": list("abcab"), "v": range(5), "t": pd.date_range("2024-01-01", periods=5, tz="Europe/Berlin")}
)
print(frame.groupby("k")["v"].agg(["sum", "mean"]))
print(frame.merge(frame, on="k").shape, frame.set_index("t").resample("2D")["v"].sum().tolist())
with tempfile.NamedTemporaryFile("w+", suffix=".csv") as file:
    frame.to_csv(file.name, index=False)
    print(pd.read_csv(file.name).equals(pd.read_csv(io.StringIO(frame.to_csv(index=False)))))
print(frame.eval("v * 2 + 1").tolist(), frame.to_json()[:60])
