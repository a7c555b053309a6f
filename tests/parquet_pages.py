"""The pages of a Parquet file, which no reader's interface shows: read from the headers before each of them."""

import pyarrow.parquet as pq

DATA, DICTIONARY, DATA_2 = 0, 2, 3


def chunks(path):
    """Column chunks of all row groups of a file."""
    metadata = pq.read_metadata(path)
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            yield metadata.row_group(group).column(column)


def pages(path):
    """Pages of a file: column, kind, bytes when uncompressed, values."""
    data = path.read_bytes()
    for chunk in chunks(path):
        at, values = chunk.data_page_offset, 0
        if chunk.has_dictionary_page:
            at = min(at, chunk.dictionary_page_offset)
        end = at + chunk.total_compressed_size
        while at < end:
            reader = Thrift(data, at)
            header = reader.struct()
            kind, count = header[1], (header.get(5) or header.get(7) or header.get(8))[1]
            at = reader.at + header[3]
            values += count if kind != DICTIONARY else 0
            yield chunk.path_in_schema, kind, header[2], count
        assert (at, values) == (end, chunk.num_values), f"{chunk.path_in_schema}: its pages do not add up"


class Thrift:
    """Just enough of Thrift's compact protocol for the header of a page: structs as dicts by field number."""

    def __init__(self, data, at):
        self.data, self.at = data, at

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def bytes(self, length):
        self.at += length
        return self.data[self.at - length : self.at]

    def varint(self):
        value, shift = 0, 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def zigzag(self):
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def struct(self):
        fields, number = {}, 0
        while head := self.byte():
            number = number + (head >> 4) if head >> 4 else self.zigzag()
            fields[number] = self.value(head & 0x0F)
        return fields

    def value(self, kind):
        match kind:
            case 1 | 2:
                return kind == 1
            case 3:
                return self.byte()
            case 4 | 5 | 6:
                return self.zigzag()
            case 7:
                return self.bytes(8)
            case 8:
                return self.bytes(self.varint())
            case 12:
                return self.struct()
        raise ValueError(f"a page's header has no Thrift type {kind}")
