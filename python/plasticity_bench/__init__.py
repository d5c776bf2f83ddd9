"""Results and streams of plasticity-bench in Python.

    import plasticity_bench as pb
    frames = pb.load("results/quickstart")             # a pandas frame for each kind of CSV
    stream = pb.stream("export")                       # of `plasticity-bench tasks export`
    net = pb.network("results/quickstart/RUN", task=3) # a torch module with a checkpoint's weights

Each function imports what it needs when it is called: pandas, or torch and safetensors.
"""

from .network import network
from .results import load
from .stream import Stream, Task, stream

__all__ = ["Stream", "Task", "load", "network", "stream"]
