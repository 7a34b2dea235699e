"""A device on paho, as Debian packages it (1.6) or as PyPI has it (2.x): sends one reading, answers one command, and ends."""

import argparse
import os
import ssl
import sys
import threading

import paho.mqtt
import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

WAIT_SECONDS = 30


def new_client(device_id, protocol, transport):
    arguments = {"client_id": device_id, "protocol": protocol, "transport": transport}
    if hasattr(mqtt, "CallbackAPIVersion"):  # 2.x has to be told how it shall call back
        return mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, **arguments)
    return mqtt.Client(**arguments)


def answer(client, device_id, version, request):
    """MQTT 5: to the response topic, with the correlation data; before, both are in the topic."""
    command_id = request.topic.split("/")[3]
    if version != "5":
        return client.publish(f"devices/{device_id}/responses/{command_id}/200", request.payload, qos=1)
    properties = Properties(PacketTypes.PUBLISH)
    properties.CorrelationData = request.properties.CorrelationData
    properties.UserProperty = ("status", "200")
    return client.publish(request.properties.ResponseTopic, request.payload, qos=1, properties=properties)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--id", required=True)
    parser.add_argument("--mqtt", choices=["5", "3.1.1"], required=True)
    parser.add_argument("--transport", choices=["tcp", "websockets"], required=True)
    parser.add_argument("--cafile")
    options = parser.parse_args()

    subscribed, requested = threading.Event(), threading.Event()
    requests = []

    def on_connect(client, _userdata, _flags, _reason, _properties=None):
        client.subscribe(f"devices/{options.id}/commands/#", qos=1)

    def on_message(_client, _userdata, message):
        requests.append(message)
        requested.set()

    client = new_client(options.id, mqtt.MQTTv5 if options.mqtt == "5" else mqtt.MQTTv311, options.transport)
    client.username_pw_set(options.id, os.environ["DEVICE_SECRET"])
    client.on_connect, client.on_message = on_connect, on_message
    client.on_subscribe = lambda *_: subscribed.set()
    if options.cafile:
        client.tls_set(ca_certs=options.cafile, cert_reqs=ssl.CERT_REQUIRED)
    client.connect("127.0.0.1", options.port, keepalive=30)
    client.loop_start()
    if not subscribed.wait(WAIT_SECONDS):
        sys.exit("no SUBACK")
    client.publish(f"devices/{options.id}/telemetry", '{"temperature":21.5}', qos=1).wait_for_publish()
    print("ready", paho.mqtt.__version__, flush=True)
    if not requested.wait(WAIT_SECONDS):
        sys.exit("no command")
    answer(client, options.id, options.mqtt, requests[0]).wait_for_publish()
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main()
