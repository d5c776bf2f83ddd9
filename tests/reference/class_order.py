"""Writes class_order.csv: the order of CIFAR-100's classes in PyCIL and the suites that follow it."""
import numpy

order = numpy.random.RandomState(1993).permutation(100)
with open("class_order.csv", "w") as file:
    file.write("class\n" + "".join(f"{c}\n" for c in order))
