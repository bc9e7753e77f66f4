"""Produces numbered records and reads them back: each once and in order, whatever happens to a node meanwhile.

    python exactly_once.py 127.0.0.1:9192,127.0.0.1:9193,127.0.0.1:9194 numbers 5000
"""

import os
import sys
import time

import grpc

from oxbow.v1 import admin_pb2, admin_pb2_grpc, broker_pb2, broker_pb2_grpc

PARTITION = 0
RECORDS_A_CALL = 10
GIVE_UP_SECONDS = 60
CHANNEL_OPTIONS = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000)]


class Cluster:
    """Any node answers most calls; records are for the leader of their partition. Follows leaders, and repeats calls."""

    def __init__(self, addresses):
        self.addresses = addresses
        self.address = addresses[0]
        self.stubs = {}

    def call(self, send):
        """Repeats `send` until it is answered: for what may be repeated after an unknown outcome."""
        give_up_at = time.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                return send(*self.stubs_of(self.address))
            except grpc.RpcError as error:
                detail = detail_of(error)
                if not detail.retriable or time.monotonic() > give_up_at:
                    raise
                print(f"{self.address}: {detail.code}: {detail.message}", file=sys.stderr)
                if detail.HasField("leader"):
                    self.address = f"{detail.leader.host}:{detail.leader.grpc_port}"
                else:
                    self.address = self.next_address()
                time.sleep(0.05)

    def stubs_of(self, address):
        if address not in self.stubs:
            channel = grpc.insecure_channel(address, options=CHANNEL_OPTIONS)
            self.stubs[address] = broker_pb2_grpc.BrokerStub(channel), admin_pb2_grpc.AdminStub(channel)
        return self.stubs[address]

    def next_address(self):
        at = self.addresses.index(self.address) if self.address in self.addresses else -1
        return self.addresses[(at + 1) % len(self.addresses)]


def detail_of(error):
    """What the node says; or what gRPC says where no node said anything."""
    for key, value in error.trailing_metadata() or ():
        if key == "oxbow-error-bin":
            return broker_pb2.ErrorDetail.FromString(value)
    lost = error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    return broker_pb2.ErrorDetail(code=error.code().name, message=error.details(), retriable=lost)


def create_topic(cluster, topic):
    # The id is chosen once: repeating the call is then harmless.
    request = admin_pb2.CreateTopicRequest(name=topic, topic_id=os.urandom(16), partitions=1, replication_factor=3, timeout_ms=10_000)
    try:
        cluster.call(lambda broker, admin: admin.CreateTopic(request, timeout=15))
    except grpc.RpcError as error:
        if detail_of(error).code != "TOPIC_ALREADY_EXISTS":
            raise


def produce(cluster, topic, count):
    """Returns the offset of the first record."""
    producer = cluster.call(lambda broker, admin: broker.CreateProducerId(broker_pb2.CreateProducerIdRequest(), timeout=10))
    first_offset = None
    for start in range(0, count, RECORDS_A_CALL):
        numbers = range(start, min(start + RECORDS_A_CALL, count))
        # The same sequence however often it is sent: the leader appends it once.
        request = broker_pb2.ProduceRecordsRequest(
            topic=topic,
            partition=PARTITION,
            timeout_ms=5_000,
            records=[broker_pb2.RecordToProduce(value=str(number).encode()) for number in numbers],
            idempotence=broker_pb2.Idempotence(producer_id=producer.producer_id, producer_epoch=producer.producer_epoch, base_sequence=start),
        )
        answer = cluster.call(lambda broker, admin: broker.ProduceRecords(request, timeout=10))
        if first_offset is None:
            first_offset = answer.base_offset
        if numbers[-1] % 500 == 499:
            print(f"produced {numbers[-1] + 1}", flush=True)
    return first_offset


def consume(cluster, topic, offset, count):
    """Exits unless the next `count` records are the numbers from 0 on, and the last of the partition."""
    expected = 0
    while True:
        request = broker_pb2.FetchRecordsRequest(topic=topic, partition=PARTITION, offset=offset, max_wait_ms=500)
        answer = cluster.call(lambda broker, admin: broker.FetchRecords(request, timeout=10))
        for record in answer.records:
            if record.value.decode() != str(expected):
                sys.exit(f"offset {record.offset} holds {record.value.decode()}, expected {expected}")
            expected += 1
        offset = answer.next_offset
        # A new leader may show less for a moment, never more.
        if expected >= count and offset >= answer.high_watermark:
            break
    if expected != count:
        sys.exit(f"{expected} records were read, {count} were produced")


def main():
    addresses, topic, count = sys.argv[1].split(","), sys.argv[2], int(sys.argv[3])
    cluster = Cluster(addresses)
    create_topic(cluster, topic)
    first_offset = produce(cluster, topic, count)
    consume(cluster, topic, first_offset, count)
    print(f"{count} records, each once and in order")


main()
