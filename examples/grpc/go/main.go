// Produces numbered records and reads them back: each once and in order, whatever happens to a node meanwhile.
//
//	go run . 127.0.0.1:9192,127.0.0.1:9193,127.0.0.1:9194 numbers 5000
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	oxbow "example.com/exactlyonce/oxbowv1"
)

const (
	partition    = 0
	recordsACall = 10
	giveUpAfter  = 60 * time.Second
)

// cluster follows leaders, and repeats calls. Any node answers most calls; records are for the leader of their partition.
type cluster struct {
	addresses []string
	address   string
	conns     map[string]*grpc.ClientConn
}

// callError is a failed call: what the node says, or what gRPC says where no node said anything.
type callError struct {
	*oxbow.ErrorDetail
}

func (e callError) Error() string { return e.GetCode() + ": " + e.GetMessage() }

// call repeats send until it is answered: for what may be repeated after an unknown outcome.
func call[A any](c *cluster, send func(context.Context, grpc.ClientConnInterface, ...grpc.CallOption) (A, error)) (A, error) {
	giveUpAt := time.Now().Add(giveUpAfter)
	for {
		var trailer metadata.MD
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		answer, err := send(ctx, c.conn(c.address), grpc.Trailer(&trailer))
		cancel()
		if err == nil {
			return answer, nil
		}
		detail := detailOf(err, trailer)
		if !detail.GetRetriable() || time.Now().After(giveUpAt) {
			return answer, callError{detail}
		}
		fmt.Fprintf(os.Stderr, "%s: %s: %s\n", c.address, detail.GetCode(), detail.GetMessage())
		if leader := detail.GetLeader(); leader != nil {
			c.address = fmt.Sprintf("%s:%d", leader.GetHost(), leader.GetGrpcPort())
		} else {
			c.address = c.nextAddress()
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (c *cluster) conn(address string) *grpc.ClientConn {
	if c.conns[address] == nil {
		reconnect := grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, MaxDelay: time.Second}, MinConnectTimeout: 5 * time.Second}
		conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithConnectParams(reconnect))
		if err != nil {
			log.Fatal(err)
		}
		c.conns[address] = conn
	}
	return c.conns[address]
}

func (c *cluster) nextAddress() string {
	next := 0
	for at, address := range c.addresses {
		if address == c.address {
			next = (at + 1) % len(c.addresses)
		}
	}
	return c.addresses[next]
}

func detailOf(err error, trailer metadata.MD) *oxbow.ErrorDetail {
	detail := &oxbow.ErrorDetail{}
	if values := trailer.Get("oxbow-error-bin"); len(values) > 0 && proto.Unmarshal([]byte(values[0]), detail) == nil {
		return detail
	}
	code := status.Code(err)
	lost := code == codes.Unavailable || code == codes.DeadlineExceeded
	return &oxbow.ErrorDetail{Code: code.String(), Message: status.Convert(err).Message(), Retriable: lost}
}

func createTopic(c *cluster, topic string) error {
	// The id is chosen once: repeating the call is then harmless.
	id := make([]byte, 16)
	rand.Read(id)
	request := &oxbow.CreateTopicRequest{Name: topic, TopicId: id, Partitions: 1, ReplicationFactor: 3, TimeoutMs: 10_000}
	_, err := call(c, func(ctx context.Context, conn grpc.ClientConnInterface, options ...grpc.CallOption) (*oxbow.CreateTopicResponse, error) {
		return oxbow.NewAdminClient(conn).CreateTopic(ctx, request, options...)
	})
	if failed, ok := err.(callError); ok && failed.GetCode() == "TOPIC_ALREADY_EXISTS" {
		return nil
	}
	return err
}

// produce returns the offset of the first record.
func produce(c *cluster, topic string, count int) (int64, error) {
	producer, err := call(c, func(ctx context.Context, conn grpc.ClientConnInterface, options ...grpc.CallOption) (*oxbow.CreateProducerIdResponse, error) {
		return oxbow.NewBrokerClient(conn).CreateProducerId(ctx, &oxbow.CreateProducerIdRequest{}, options...)
	})
	if err != nil {
		return 0, err
	}
	var firstOffset int64
	for start := 0; start < count; start += recordsACall {
		end := min(start+recordsACall, count)
		records := make([]*oxbow.RecordToProduce, 0, recordsACall)
		for number := start; number < end; number++ {
			records = append(records, &oxbow.RecordToProduce{Value: []byte(strconv.Itoa(number))})
		}
		// The same sequence however often it is sent: the leader appends it once.
		request := &oxbow.ProduceRecordsRequest{
			Topic:       topic,
			Partition:   proto.Int32(partition),
			TimeoutMs:   5_000,
			Records:     records,
			Idempotence: &oxbow.Idempotence{ProducerId: producer.GetProducerId(), ProducerEpoch: producer.GetProducerEpoch(), BaseSequence: int32(start)},
		}
		answer, err := call(c, func(ctx context.Context, conn grpc.ClientConnInterface, options ...grpc.CallOption) (*oxbow.ProduceRecordsResponse, error) {
			return oxbow.NewBrokerClient(conn).ProduceRecords(ctx, request, options...)
		})
		if err != nil {
			return 0, err
		}
		if start == 0 {
			firstOffset = answer.GetBaseOffset()
		}
		if end%500 == 0 {
			fmt.Printf("produced %d\n", end)
		}
	}
	return firstOffset, nil
}

// consume fails unless the next count records are the numbers from 0 on, and the last of the partition.
func consume(c *cluster, topic string, offset int64, count int) error {
	expected := 0
	for {
		request := &oxbow.FetchRecordsRequest{Topic: topic, Partition: partition, Offset: offset, MaxWaitMs: 500}
		answer, err := call(c, func(ctx context.Context, conn grpc.ClientConnInterface, options ...grpc.CallOption) (*oxbow.FetchRecordsResponse, error) {
			return oxbow.NewBrokerClient(conn).FetchRecords(ctx, request, options...)
		})
		if err != nil {
			return err
		}
		for _, record := range answer.GetRecords() {
			if string(record.GetValue()) != strconv.Itoa(expected) {
				return fmt.Errorf("offset %d holds %s, expected %d", record.GetOffset(), record.GetValue(), expected)
			}
			expected++
		}
		offset = answer.GetNextOffset()
		// A new leader may show less for a moment, never more.
		if expected >= count && offset >= answer.GetHighWatermark() {
			break
		}
	}
	if expected != count {
		return fmt.Errorf("%d records were read, %d were produced", expected, count)
	}
	return nil
}

func main() {
	addresses, topic := strings.Split(os.Args[1], ","), os.Args[2]
	count, err := strconv.Atoi(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	c := &cluster{addresses: addresses, address: addresses[0], conns: map[string]*grpc.ClientConn{}}
	if err := createTopic(c, topic); err != nil {
		log.Fatal(err)
	}
	firstOffset, err := produce(c, topic, count)
	if err != nil {
		log.Fatal(err)
	}
	if err := consume(c, topic, firstOffset, count); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d records, each once and in order\n", count)
}
