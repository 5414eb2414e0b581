"""Writes the event files of this folder with the real writers:

    python3 -m venv v && v/bin/pip install tensorboardX==2.6.5 tensorboard==2.21.0 numpy
    v/bin/python make_events.py

Times are fixed, so that the files come out the same each time but for their first record, which has the time of writing.
"""

import glob
import os
import shutil
import tempfile

import numpy as np
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util import tensor_util
from tensorboardX import SummaryWriter

START = 1767225600.25  # 2026-01-01T00:00:00.25Z
HERE = os.path.dirname(os.path.abspath(__file__))


def keep(folder, name):
    (path,) = glob.glob(os.path.join(folder, "*tfevents*"))
    shutil.copy(path, os.path.join(HERE, name))


def tensorboardx():
    with tempfile.TemporaryDirectory() as folder:
        writer = SummaryWriter(folder)
        for step in range(5):
            writer.add_scalar("loss", 1.0 / (step + 1), step, walltime=START + step)
            writer.add_scalar("accuracy/test", 0.1 * step, step, walltime=START + step)
            writer.add_text("note", "loss=7", step, walltime=START + step)
        writer.add_histogram("weights", np.arange(3.0), 5, bins=3, walltime=START + 5)
        writer.add_scalar("loss", float("nan"), 5, walltime=START + 5)
        writer.add_scalar("loss", float("-inf"), 6, walltime=START + 6)
        writer.close()
        keep(folder, "tensorboardx.tfevents")


def scalar(tag, tensor):
    value = summary_pb2.Summary.Value(tag=tag, tensor=tensor)
    value.metadata.plugin_data.plugin_name = "scalars"
    return value


def tensors():
    """What tf.summary.scalar of TensorFlow 2 writes, in every type, with the value in its own field and in tensor_content."""
    with tempfile.TemporaryDirectory() as folder:
        writer = EventFileWriter(folder)
        kinds = [np.float16, np.float32, np.float64, np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]
        for step, kind in enumerate(kinds):
            number = kind(0.1) if np.issubdtype(kind, np.floating) else kind(100 + step)
            if np.issubdtype(kind, np.signedinteger):
                number = kind(-number)
            array = np.array(number)
            content = tensor_pb2.TensorProto(
                dtype=tensor_util.make_tensor_proto(array).dtype, tensor_shape=tensor_shape_pb2.TensorShapeProto(),
                tensor_content=array.tobytes())
            values = [
                scalar("own/" + kind.__name__, tensor_util.make_tensor_proto(array)),
                scalar("content/" + kind.__name__, content),
                scalar("vector", tensor_util.make_tensor_proto(np.arange(3.0))),
                scalar("one", tensor_util.make_tensor_proto(np.array([2.5], np.float32))),
                scalar("text", tensor_util.make_tensor_proto("loss=7")),
            ]
            writer.add_event(event_pb2.Event(wall_time=START + step, step=step, summary=summary_pb2.Summary(value=values)))
        writer.close()
        keep(folder, "tensors.tfevents")


if __name__ == "__main__":
    tensorboardx()
    tensors()
