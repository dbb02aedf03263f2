# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a pipeline with a wallocwebsink named w for a test: prints the address of
its page, does what the lines of standard input say (restart: stops and starts it
on the same port; push NAME JSON: posts an event), ends with the input."""
import sys

import gi
gi.require_version('Gst', '1.0')
from gi.repository import Gst  # noqa: E402


def play(pipeline):
    pipeline.set_state(Gst.State.PLAYING)
    result = pipeline.get_state(30 * Gst.SECOND)[0]
    if result == Gst.StateChangeReturn.FAILURE:
        message = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
        sys.exit(message.get_structure().to_string() if message
                 else 'the pipeline does not start')


def main():
    Gst.init(None)
    pipeline = Gst.parse_launch(sys.argv[1])
    sink = pipeline.get_by_name('w')
    play(pipeline)
    print(sink.get_property('url'), flush=True)
    for line in sys.stdin:
        word, *more = line.split(maxsplit=2)
        if word == 'restart':
            port = sink.get_property('port')
            pipeline.set_state(Gst.State.NULL)
            print('stopped', flush=True)
            sys.stdin.readline()
            sink.set_property('port', port)
            play(pipeline)
        elif word == 'push':
            sink.emit('push-event', *more)
        print('done', flush=True)
    pipeline.set_state(Gst.State.NULL)


main()
