SELECT
  src_endpoint.ip AS source_ip,
  dst_endpoint.ip AS target_ip,
  SUM(traffic.bytes) AS bytes
FROM amazon_security_lake_glue_db_us_east_1.amazon_security_lake_table_us_east_1_vpc_flow_2_0
WHERE traffic.bytes IS NOT NULL
GROUP BY src_endpoint.ip, dst_endpoint.ip
ORDER BY bytes DESC, source_ip, target_ip
LIMIT 20
