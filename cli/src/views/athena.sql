-- Athena's addresses, which are texts here, and its test whether a network contains one.
CREATE TYPE IF NOT EXISTS ipaddress AS VARCHAR;
CREATE TYPE IF NOT EXISTS ipprefix AS VARCHAR;
CREATE OR REPLACE MACRO lake_address_groups(address) AS
  CASE WHEN address = '' THEN []::UHUGEINT[]
    ELSE list_transform(string_split(address, ':'), LAMBDA part : CAST('0x' || part AS UHUGEINT)) END;
-- An address as a number of 128 bits; one of IPv4 stands where IPv6 has a place for it.
CREATE OR REPLACE MACRO lake_address_number(address) AS
  CASE WHEN address LIKE '%.%'
    THEN 281470681743360::UHUGEINT + list_reduce(
      list_transform(string_split(string_split(address, ':')[-1], '.'), LAMBDA part : CAST(part AS UHUGEINT)),
      LAMBDA sum, part : sum * 256 + part, 0::UHUGEINT)
    ELSE list_reduce(
      list_concat(
        lake_address_groups(split_part(address, '::', 1)),
        list_transform(
          range(8 - len(lake_address_groups(split_part(address, '::', 1)))
            - len(lake_address_groups(split_part(address, '::', 2)))),
          LAMBDA part : 0::UHUGEINT),
        lake_address_groups(split_part(address, '::', 2))),
      LAMBDA sum, part : sum * 65536 + part, 0::UHUGEINT) END;
-- What addresses of a network have in common with its own: all but their last bits.
CREATE OR REPLACE MACRO lake_address_network(address, free_bits) AS
  CASE WHEN free_bits > 127 THEN 0::UHUGEINT
    ELSE lake_address_number(address) // CAST(pow(2, free_bits) AS UHUGEINT) END;
CREATE OR REPLACE MACRO lake_free_bits(prefix) AS
  CASE WHEN prefix LIKE '%.%' THEN 32 ELSE 128 END - CAST(split_part(prefix, '/', 2) AS INTEGER);
CREATE OR REPLACE MACRO array_contains(prefix VARCHAR, address VARCHAR) AS
    CASE WHEN address IS NOT NULL THEN
      TRY(lake_address_network(split_part(prefix, '/', 1), lake_free_bits(prefix))
        = lake_address_network(address, lake_free_bits(prefix))) END,
  (list, element) AS list_contains(list, element);
