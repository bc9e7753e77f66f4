# Makes the vectors beside it. Needs: pip install lz4 python-snappy zstandard kafka-python cramjam
import gzip, os, struct
import cramjam, lz4.frame, zstandard
from kafka.record.default_records import DefaultRecordBatchBuilder
out=os.path.dirname(os.path.abspath(__file__))+'/'
text=''.join('{"id":%d,"level":"%s","host":"web-%d","message":"the river cuts its own bend off"}\n' % (i, ['info','warn','error'][i%3], i%7) for i in range(1200)).encode()
assert len(text)>65536, len(text)
w=lambda n,b: open(out+n,'wb').write(b)
# gzip
w('gzip-python.bin', gzip.compress(text, 6, mtime=0))
w('gzip-two-members.bin', gzip.compress(text[:1000],9,mtime=0)+gzip.compress(text[1000:],1,mtime=0))
# snappy raw (one block) and xerial frame as kafka-python writes
w('snappy-raw-cramjam.bin', bytes(cramjam.snappy.compress_raw(text)))
from kafka.codec import snappy_encode, lz4_encode, zstd_encode
w('snappy-xerial-kafka-python.bin', snappy_encode(text, xerial_compatible=True, xerial_blocksize=32*1024))
w('lz4-kafka-python.bin', lz4_encode(text))
w('lz4-sized-checksums.bin', lz4.frame.compress(text, block_size=lz4.frame.BLOCKSIZE_MAX256KB, block_linked=False, content_checksum=True, block_checksum=True, store_size=True))
w('lz4-linked-blocks.bin', lz4.frame.compress(text, block_size=lz4.frame.BLOCKSIZE_MAX64KB, block_linked=True, content_checksum=True, store_size=False))
w('zstd-kafka-python.bin', zstd_encode(text))
c=zstandard.ZstdCompressor(level=3, write_checksum=True).compressobj()
w('zstd-streamed-no-size.bin', c.compress(text[:50000])+c.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)+c.compress(text[50000:])+c.flush())
skip=struct.pack('<II',0x184D2A53,5)+b'hello'
w('zstd-skippable-and-two-frames.bin', zstandard.ZstdCompressor().compress(text[:7])+skip+zstandard.ZstdCompressor(write_content_size=False).compress(text[7:]))
# whole batches
names={1:'gzip',2:'snappy',3:'lz4',4:'zstd'}
for n,name in names.items():
    b=DefaultRecordBatchBuilder(magic=2, compression_type=n, is_transactional=False, producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=1<<20)
    for i in range(200):
        b.append(i, timestamp=1700000000000+i*3 - (i%5), key=(b'k%d'%i if i%4 else None), value=(b'{"value":%d,"text":"golden golden golden"}'%i if i%9 else None), headers=[('h',b'x%d'%i),('n',None)] if i%2 else [])
    buf=b.build()
    w('batch-%s-kafka-python.bin'%name, bytes(buf))
