#!/usr/bin/env python3
"""A Fieldgate device in Python: publishes readings, keeps its session, and answers commands, over MQTT 5 or 3.1.1."""

import argparse
import json
import os
import random
import signal
import sys
import threading
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

SESSION_SECONDS = 24 * 3600


class Device:
    def __init__(self, device_id, secret, version, every):
        self.id = device_id
        self.version = version
        self.every = every
        self.seq = 0
        self.acknowledged = 0
        self.answers = set()  # packet ids of answers under way; everything else is a reading
        self.stopping = threading.Event()
        self.refused = None
        if version == "5":
            self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, device_id, protocol=mqtt.MQTTv5)
        else:  # 3.1.1: a session that is kept is asked for here
            self.client = mqtt.Client(
                mqtt.CallbackAPIVersion.VERSION2, device_id, protocol=mqtt.MQTTv311, clean_session=False
            )
        self.client.username_pw_set(device_id, secret)  # user name = client id = device id
        self.client.on_connect = self.on_connect
        self.client.on_publish = self.on_publish
        self.client.on_message = self.on_message

    def connect(self, host, port):
        if self.version == "5":
            session = Properties(PacketTypes.CONNECT)
            session.SessionExpiryInterval = SESSION_SECONDS
            self.client.connect(host, port, clean_start=False, properties=session)
        else:
            self.client.connect(host, port)
        self.client.loop_start()  # reconnects by itself, and sends again what was not acknowledged

    def run(self, count):
        while not self.stopping.is_set():
            self.publish_readings()
            if count and self.seq >= count:
                break
            self.stopping.wait(self.every)

    def close(self):
        deadline = time.monotonic() + 10
        while self.refused is None and self.acknowledged < self.seq and time.monotonic() < deadline:
            time.sleep(0.01)
        self.client.disconnect()
        self.client.loop_stop()

    def publish_readings(self):
        """`ts` and `seq` make a message that is sent twice the same message: it is stored once."""
        readings = {"temperature": round(random.uniform(20, 25), 2), "running": True, "n": self.seq}
        message = {"ts": int(time.time() * 1000), "seq": self.seq, "readings": readings}
        self.seq += 1
        self.client.publish(f"devices/{self.id}/telemetry", json.dumps(message), qos=1)

    def on_connect(self, client, _userdata, flags, reason, _properties):
        if reason.is_failure:
            self.refused = str(reason)
            self.stopping.set()
            say(f"refused: {reason} ({reason.value})")
            return
        say(f"connected, session present: {'yes' if flags.session_present else 'no'}")
        if not flags.session_present:
            client.subscribe(f"devices/{self.id}/commands/#", qos=1)

    def on_publish(self, _client, _userdata, mid, reason, _properties):
        if mid in self.answers:
            self.answers.remove(mid)
        else:
            self.acknowledged += 1
        if reason.is_failure:  # MQTT 5: final, a resend would be refused again
            say(f"not accepted: {reason}")

    def on_message(self, client, _userdata, request):
        """devices/{deviceId}/commands/{commandId}/{name}"""
        _, _, _, command_id, name = request.topic.split("/")
        status, body = self.execute(name, json.loads(request.payload or b"{}"))
        say(f"command {name}: {status}")
        answer = json.dumps(body)
        response_topic = getattr(request.properties, "ResponseTopic", None)
        if response_topic is None:  # 3.1.1: command id and status are in the topic
            topic = f"devices/{self.id}/responses/{command_id}/{status}"
            self.answers.add(client.publish(topic, answer, qos=1).mid)
            return
        properties = Properties(PacketTypes.PUBLISH)
        properties.CorrelationData = request.properties.CorrelationData
        properties.UserProperty = ("status", str(status))
        self.answers.add(client.publish(response_topic, answer, qos=1, properties=properties).mid)

    def execute(self, name, params):
        """What the device can do. 2xx = done, 4xx = the device refuses, 5xx = it failed."""
        if name == "read-config":
            return 200, {"every": self.every}
        if name == "set-interval":
            seconds = params.get("seconds")
            if not isinstance(seconds, (int, float)) or not 0.1 <= seconds <= 3600:
                return 422, {"error": "seconds must be a number from 0.1 to 3600"}
            self.every = seconds
            return 200, {"every": self.every}
        return 404, {"error": f"this device has no command {name}"}


def say(line):
    print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--id", required=True, help="the device id")
    parser.add_argument("--mqtt", choices=["5", "3.1.1"], default="5")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between readings")
    parser.add_argument("--count", type=int, default=0, help="end after so many readings; 0 = never")
    options = parser.parse_args()
    secret = os.environ.get("DEVICE_SECRET")  # not an argument: those can be seen by everybody on the machine
    if not secret:
        parser.error("set DEVICE_SECRET to the secret of the device")

    device = Device(options.id, secret, options.mqtt, options.every)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: device.stopping.set())
    device.connect(options.host, options.port)
    device.run(options.count)
    device.close()
    if device.refused is not None:
        sys.exit(1)
    say(f"sent {device.seq}, acknowledged {device.acknowledged}")


if __name__ == "__main__":
    main()
