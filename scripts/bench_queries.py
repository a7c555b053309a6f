"""What `bench.py` has DuckDB do: the same files into one nested Parquet file with the leaves that most queries ask for.

It is spared what `lake` does besides: `unmapped`, observables, classes, enums with their ids, partitions, sorting,
catalogue, hashes of inputs.
"""

SETTINGS = """
SET threads = 1;
SET preserve_insertion_order = false;
"""

CLOUDTRAIL = """
COPY (
  SELECT
    {{'version': '1.1.0', 'uid': r.eventID, 'event_code': r.eventType,
      'product': {{'name': 'CloudTrail', 'vendor_name': 'AWS', 'version': r.eventVersion}}}} AS metadata,
    epoch_ms(r.eventTime) AS time,
    r.eventTime AS time_dt,
    {{'region': r.awsRegion, 'provider': 'AWS'}} AS cloud,
    {{'operation': r.eventName, 'service': {{'name': r.eventSource}}, 'version': r.apiVersion,
      'request': {{'uid': r.requestID, 'data': r.requestParameters}},
      'response': {{'error': r.errorCode, 'message': r.errorMessage, 'data': r.responseElements}}}} AS api,
    {{'user': {{'type': r.userIdentity.type, 'name': r.userIdentity.userName, 'uid': r.userIdentity.arn,
                'uid_alt': r.userIdentity.principalId, 'account': {{'uid': r.userIdentity.accountId}},
                'credential_uid': r.userIdentity.accessKeyId}},
      'session': {{'issuer': r.userIdentity.sessionContext.sessionIssuer.arn,
                   'is_mfa': r.userIdentity.sessionContext.attributes.mfaAuthenticated}},
      'invoked_by': r.userIdentity.invokedBy}} AS actor,
    {{'user_agent': r.userAgent}} AS http_request,
    {{'uid': r.vpcEndpointId, 'ip': r.sourceIPAddress}} AS src_endpoint,
    [{{'uid': x.ARN, 'owner': {{'account': {{'uid': x.accountId}}}}, 'type': x.type}} FOR x IN r.resources] AS resources,
    CASE WHEN r.errorCode IS NULL THEN 'Success' ELSE 'Failure' END AS status,
    r.recipientAccountId AS accountid
  FROM (
    SELECT {record} AS r
    FROM read_json('{files}', maximum_object_size = 1073741824, columns = {{{column}: 'STRUCT(
      eventVersion VARCHAR, eventTime TIMESTAMP, eventSource VARCHAR, eventName VARCHAR, awsRegion VARCHAR,
      sourceIPAddress VARCHAR, userAgent VARCHAR, errorCode VARCHAR, errorMessage VARCHAR, requestParameters JSON,
      responseElements JSON, requestID VARCHAR, eventID VARCHAR, eventType VARCHAR, apiVersion VARCHAR,
      recipientAccountId VARCHAR, vpcEndpointId VARCHAR,
      resources STRUCT(ARN VARCHAR, accountId VARCHAR, type VARCHAR)[],
      userIdentity STRUCT(type VARCHAR, principalId VARCHAR, arn VARCHAR, accountId VARCHAR, accessKeyId VARCHAR,
        userName VARCHAR, invokedBy VARCHAR, sessionContext STRUCT(sessionIssuer STRUCT(arn VARCHAR),
          attributes STRUCT(mfaAuthenticated VARCHAR)))){list}'}})
  )
) TO '{out}' (FORMAT parquet, COMPRESSION zstd);
"""

VPC_FLOW = """
COPY (
  SELECT
    {{'version': '1.1.0', 'product': {{'name': 'Amazon VPC', 'vendor_name': 'AWS', 'version': version}}}} AS metadata,
    start * 1000 AS time,
    to_timestamp(start) AS start_time_dt,
    to_timestamp("end") AS end_time_dt,
    {{'account': {{'uid': "account-id"}}, 'provider': 'AWS'}} AS cloud,
    {{'ip': srcaddr, 'port': srcport}} AS src_endpoint,
    {{'ip': dstaddr, 'port': dstport, 'interface_uid': "interface-id"}} AS dst_endpoint,
    {{'protocol_num': protocol, 'direction': 'Unknown'}} AS connection_info,
    {{'packets': packets, 'bytes': bytes}} AS traffic,
    CASE action WHEN 'ACCEPT' THEN 'Allowed' ELSE 'Denied' END AS action,
    "log-status" AS status_code,
    "account-id" AS accountid
  FROM read_csv('{files}', delim = ' ', header = true, nullstr = '-', columns = {{
    'version': 'VARCHAR', 'account-id': 'VARCHAR', 'interface-id': 'VARCHAR', 'srcaddr': 'VARCHAR',
    'dstaddr': 'VARCHAR', 'srcport': 'INTEGER', 'dstport': 'INTEGER', 'protocol': 'INTEGER', 'packets': 'BIGINT',
    'bytes': 'BIGINT', 'start': 'BIGINT', 'end': 'BIGINT', 'action': 'VARCHAR', 'log-status': 'VARCHAR'}})
) TO '{out}' (FORMAT parquet, COMPRESSION zstd);
"""

ROUTE53 = """
COPY (
  SELECT
    {{'version': '1.1.0', 'product': {{'name': 'Route 53', 'vendor_name': 'AWS', 'version': version}}}} AS metadata,
    epoch_ms(query_timestamp) AS time,
    query_timestamp AS time_dt,
    {{'account': {{'uid': account_id}}, 'region': region, 'provider': 'AWS'}} AS cloud,
    {{'ip': srcaddr, 'port': CAST(srcport AS INTEGER), 'vpc_uid': vpc_id, 'instance_uid': srcids.instance}} AS src_endpoint,
    {{'hostname': query_name, 'type': query_type, 'class': query_class}} AS query,
    [{{'rdata': x.Rdata, 'type': x.Type, 'class': x.Class}} FOR x IN answers] AS answers,
    {{'protocol_name': transport}} AS connection_info,
    rcode,
    firewall_rule_action AS action,
    account_id AS accountid
  FROM read_json('{files}', format = 'newline_delimited', columns = {{
    version: 'VARCHAR', account_id: 'VARCHAR', region: 'VARCHAR', vpc_id: 'VARCHAR', query_timestamp: 'TIMESTAMP',
    query_name: 'VARCHAR', query_type: 'VARCHAR', query_class: 'VARCHAR', rcode: 'VARCHAR',
    answers: 'STRUCT(Rdata VARCHAR, Type VARCHAR, Class VARCHAR)[]', srcaddr: 'VARCHAR', srcport: 'VARCHAR',
    transport: 'VARCHAR', srcids: 'STRUCT(instance VARCHAR)', firewall_rule_action: 'VARCHAR',
    firewall_rule_group_id: 'VARCHAR', firewall_domain_list_id: 'VARCHAR'}})
) TO '{out}' (FORMAT parquet, COMPRESSION zstd);
"""

SECURITY_HUB = """
COPY (
  SELECT
    {{'version': '1.1.0', 'product': {{'name': f.ProductName, 'vendor_name': f.CompanyName, 'uid': f.ProductArn}}}} AS metadata,
    epoch_ms(f.UpdatedAt) AS time,
    f.UpdatedAt AS time_dt,
    {{'uid': f.Id, 'title': f.Title, 'desc': f.Description, 'types': f.Types, 'created_time_dt': f.CreatedAt,
      'first_seen_time_dt': f.FirstObservedAt, 'last_seen_time_dt': f.LastObservedAt}} AS finding_info,
    {{'account': {{'uid': f.AwsAccountId}}, 'region': f.Region, 'provider': 'AWS'}} AS cloud,
    f.Severity.Label AS severity,
    f.Workflow.Status AS status,
    [{{'uid': x.Id, 'type': x.Type, 'region': x.Region, 'data': x.Details}} FOR x IN f.Resources] AS resources,
    [{{'uid': x.Id, 'cvss': x.Cvss}} FOR x IN f.Vulnerabilities] AS vulnerabilities,
    f.Compliance.Status AS compliance,
    f.Remediation AS remediation,
    f.Action AS evidence,
    f.AwsAccountId AS accountid
  FROM (
    SELECT unnest(detail.findings) AS f
    FROM read_json('{files}', format = 'unstructured', columns = {{detail: 'STRUCT(findings STRUCT(
      ProductArn VARCHAR, ProductName VARCHAR, CompanyName VARCHAR, Id VARCHAR, Title VARCHAR, Description VARCHAR,
      Types VARCHAR[], AwsAccountId VARCHAR, Region VARCHAR, CreatedAt TIMESTAMP, UpdatedAt TIMESTAMP,
      FirstObservedAt TIMESTAMP, LastObservedAt TIMESTAMP, Severity STRUCT(Label VARCHAR),
      Workflow STRUCT(Status VARCHAR), Compliance STRUCT(Status VARCHAR), Remediation JSON, Action JSON,
      Vulnerabilities STRUCT(Id VARCHAR, Cvss JSON)[],
      Resources STRUCT(Id VARCHAR, Type VARCHAR, Region VARCHAR, Details JSON)[])[])'}})
  )
) TO '{out}' (FORMAT parquet, COMPRESSION zstd);
"""

EKS_AUDIT = """
COPY (
  SELECT
    {{'version': '1.1.0', 'uid': r.auditID, 'product': {{'name': 'Amazon EKS', 'vendor_name': 'AWS',
      'version': r.apiVersion}}}} AS metadata,
    epoch_ms(r.stageTimestamp) AS time,
    r.stageTimestamp AS time_dt,
    r.requestReceivedTimestamp AS start_time_dt,
    {{'user': {{'name': r.user.username, 'uid': r.user.uid, 'groups': r.user.groups}}}} AS actor,
    {{'operation': r.verb, 'version': r.objectRef.apiVersion, 'response': {{'code': r.responseStatus.code,
      'message': r.responseStatus.message}}}} AS api,
    {{'url': {{'path': r.requestURI}}, 'user_agent': r.userAgent}} AS http_request,
    {{'ip': r.sourceIPs[1]}} AS src_endpoint,
    [{{'type': r.objectRef.resource, 'name': r.objectRef.name, 'namespace': r.objectRef.namespace}}] AS resources,
    r.annotations AS annotations,
    owner AS accountid
  FROM (
    SELECT owner, from_json(event.message, '{{"kind": "VARCHAR", "apiVersion": "VARCHAR", "level": "VARCHAR",
      "auditID": "VARCHAR", "stage": "VARCHAR", "requestURI": "VARCHAR", "verb": "VARCHAR",
      "user": {{"username": "VARCHAR", "uid": "VARCHAR", "groups": ["VARCHAR"]}}, "sourceIPs": ["VARCHAR"],
      "userAgent": "VARCHAR", "objectRef": {{"resource": "VARCHAR", "namespace": "VARCHAR", "name": "VARCHAR",
      "apiVersion": "VARCHAR"}}, "responseStatus": {{"code": "INTEGER", "message": "VARCHAR"}},
      "requestReceivedTimestamp": "TIMESTAMP", "stageTimestamp": "TIMESTAMP", "annotations": "JSON"}}') AS r
    FROM (
      SELECT owner, unnest(logEvents) AS event
      FROM read_json('{files}', format = 'unstructured', maximum_object_size = 67108864, columns = {{
        owner: 'VARCHAR', logEvents: 'STRUCT(message VARCHAR)[]'}})
    )
  )
) TO '{out}' (FORMAT parquet, COMPRESSION zstd);
"""

WAF = """
COPY (
  SELECT
    {{'version': '1.1.0', 'product': {{'name': 'AWS WAF', 'vendor_name': 'AWS', 'version': formatVersion}}}} AS metadata,
    timestamp AS time,
    epoch_ms(timestamp) AS time_dt,
    action,
    {{'uid': terminatingRuleId, 'type': terminatingRuleType}} AS firewall_rule,
    {{'ip': httpRequest.clientIp, 'location': {{'country': httpRequest.country}}}} AS src_endpoint,
    {{'uid': httpSourceId, 'svc_name': httpSourceName}} AS dst_endpoint,
    {{'http_method': httpRequest.httpMethod, 'version': httpRequest.httpVersion, 'uid': httpRequest.requestId,
      'args': httpRequest.args, 'url': {{'path': httpRequest.uri}},
      'http_headers': [{{'name': x.name, 'value': x.value}} FOR x IN httpRequest.headers]}} AS http_request,
    {{'code': responseCodeSent}} AS http_response,
    [x.name FOR x IN labels] AS labels,
    ruleGroupList AS rule_groups,
    webaclId AS policy
  FROM read_json('{files}', format = 'newline_delimited', columns = {{
    timestamp: 'BIGINT', formatVersion: 'VARCHAR', webaclId: 'VARCHAR', terminatingRuleId: 'VARCHAR',
    terminatingRuleType: 'VARCHAR', action: 'VARCHAR', httpSourceName: 'VARCHAR', httpSourceId: 'VARCHAR',
    ruleGroupList: 'JSON', responseCodeSent: 'INTEGER', labels: 'STRUCT(name VARCHAR)[]',
    httpRequest: 'STRUCT(clientIp VARCHAR, country VARCHAR, headers STRUCT(name VARCHAR, value VARCHAR)[], uri VARCHAR,
      args VARCHAR, httpVersion VARCHAR, httpMethod VARCHAR, requestId VARCHAR)'}})
) TO '{out}' (FORMAT parquet, COMPRESSION zstd);
"""

# By function: what DuckDB is asked, once or in several forms, each told in a few words.
QUERIES = {
    "cloudtrail": [
        ("DuckDB", CLOUDTRAIL, {"record": "unnest(Records)", "column": "Records", "list": "[]"}),
        ("DuckDB on JSON lines", CLOUDTRAIL, {"record": "line", "column": "line", "list": ""}),
    ],
    "vpc-flow": [("DuckDB", VPC_FLOW, {})],
    "route53": [("DuckDB", ROUTE53, {})],
    "security-hub": [("DuckDB", SECURITY_HUB, {})],
    "eks-audit": [("DuckDB", EKS_AUDIT, {})],
    "waf": [("DuckDB", WAF, {})],
}
