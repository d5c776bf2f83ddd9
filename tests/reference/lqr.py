"""The discounted value of a linear policy on dm_control's lqr_2_1, by scipy's Lyapunov solver.

    python3 lqr.py > lqr.csv        # numpy, scipy

Two equal masses in a row, each on a spring to the one before, positions relative to it; the first is pushed.
One semi-implicit Euler step: v' = v + h M^-1 (B u - K q), q' = q + h v'. Reward 1 - |q'|^2/2 - 0.1 u^2/2. The
springs are those of src/environments/models/lqr_2_1.toml (dm_control draws them from its seed, here 0).
Written: A (4x4), B (4), and P with V(s) = 1/(1 - g) - s' P s for u = k s, g = 0.9.
"""

import numpy as np
from scipy.linalg import solve_discrete_lyapunov

H, MASS = 0.03, 4.188790204786391
STIFFNESS = [20.488135039273246, 21.02763376071644]
GAIN = np.array([[0.04, -0.02, -0.05, 0.03]])
DISCOUNT = 0.9

inverse = np.linalg.inv(MASS * np.array([[2.0, 1.0], [1.0, 1.0]]))
stiff, push = inverse @ np.diag(STIFFNESS), inverse @ np.array([[1.0], [0.0]])
eye = np.eye(2)
a = np.block([[eye - H * H * stiff, H * eye], [-H * stiff, eye]])
b = np.vstack([H * H * push, H * push])

closed = a + b @ GAIN
cost = 0.5 * closed.T @ np.diag([1.0, 1.0, 0.0, 0.0]) @ closed + 0.05 * GAIN.T @ GAIN
root = np.sqrt(DISCOUNT) * closed
p = solve_discrete_lyapunov(root.T, cost)
assert np.allclose(p, cost + DISCOUNT * closed.T @ p @ closed, rtol=1e-12)

print("what,values")
for what, values in [("a", a), ("b", b), ("p", p)]:
    print(what + "," + " ".join(repr(float(x)) for x in values.ravel()))
