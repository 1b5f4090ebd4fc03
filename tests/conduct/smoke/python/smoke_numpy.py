# SPDX-License-Identifier: Apache-2.0
import tempfile

import numpy as np

a = np.arange(10000.0).reshape(100, 100) + np.eye(100)
print(np.linalg.det(np.eye(50) * 2), round(float(np.linalg.norm(np.linalg.inv(a + a.T + 300 * np.eye(100)))), 6))
print(np.abs(np.fft.fft(np.sin(np.arange(1024)))).argmax(), np.random.default_rng(1).integers(0, 100, 5).tolist())
print((np.ones((300, 300)) @ np.ones((300, 300))).sum(), np.vectorize(lambda x: x + 1)(np.arange(3)).tolist())
with tempfile.TemporaryDirectory() as folder:
    np.save(folder + "/a.npy", a)
    print(np.array_equal(np.load(folder + "/a.npy"), a))
    kept = np.memmap(folder + "/m", dtype="int32", mode="w+", shape=(1000,))
    kept[:] = 7
    kept.flush()
    print(int(np.memmap(folder + "/m", dtype="int32", mode="r").sum()))
