metadata description = 'Service Bus with the topics, queues and subscriptions of topology.json, and without keys.'

param name string
param location string
param tags object

@description('Premium: own messaging units, private endpoints, messages over 256 KB. Standard is enough for most shops.')
param premium bool

@description('Only private endpoints reach the namespace. Needs premium.')
param networkIsolation bool

@description('Principal id and type by the name that roles.json uses.')
param principals object

param workspaceId string

var topology = loadJsonContent('../topology.json')
var queueRoles = filter(loadJsonContent('../roles.json'), role => (role.scope == 'queue'))
var topicRoles = filter(loadJsonContent('../roles.json'), role => (role.scope == 'topic'))

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: premium ? 'Premium' : 'Standard'
    tier: premium ? 'Premium' : 'Standard'
    capacity: premium ? 1 : null
  }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: networkIsolation ? 'Disabled' : 'Enabled'
  }
}

resource queue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = [for item in topology.queues: {
  parent: namespace
  name: item.name
  properties: {
    requiresSession: item.requiresSession
    requiresDuplicateDetection: item.requiresDuplicateDetection
    duplicateDetectionHistoryTimeWindow: item.duplicateDetectionHistoryTimeWindow
    defaultMessageTimeToLive: item.defaultMessageTimeToLive
    deadLetteringOnMessageExpiration: item.deadLetteringOnMessageExpiration
    lockDuration: item.lockDuration
    maxDeliveryCount: item.maxDeliveryCount
    maxSizeInMegabytes: item.maxSizeInMegabytes
  }
}]

resource topic 'Microsoft.ServiceBus/namespaces/topics@2024-01-01' = [for item in topology.topics: {
  parent: namespace
  name: item.name
  properties: {
    requiresDuplicateDetection: item.requiresDuplicateDetection
    duplicateDetectionHistoryTimeWindow: item.duplicateDetectionHistoryTimeWindow
    defaultMessageTimeToLive: item.defaultMessageTimeToLive
    maxSizeInMegabytes: item.maxSizeInMegabytes
  }
}]

resource forward 'Microsoft.ServiceBus/namespaces/topics/subscriptions@2024-01-01' = [for item in topology.subscriptions: {
  name: '${namespace.name}/${item.topic}/${item.name}'
  dependsOn: [
    topic
    queue
  ]
  properties: {
    forwardTo: item.forwardTo
    deadLetteringOnMessageExpiration: item.deadLetteringOnMessageExpiration
    deadLetteringOnFilterEvaluationExceptions: item.deadLetteringOnFilterEvaluationExceptions
    lockDuration: item.lockDuration
    maxDeliveryCount: item.maxDeliveryCount
  }
}]

// Named $Default, the rule replaces the match-all rule that a new subscription starts with, instead of joining it.
resource rule 'Microsoft.ServiceBus/namespaces/topics/subscriptions/rules@2024-01-01' = [for (item, i) in topology.subscriptions: {
  parent: forward[i]
  name: item.rule.name
  properties: {
    filterType: 'CorrelationFilter'
    correlationFilter: item.rule.correlationFilter
  }
}]

// Every role on every queue: the index runs over both, since a loop holds no second loop.
resource queueAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for i in range(0, length(topology.queues) * length(queueRoles)): {
  scope: queue[i / length(queueRoles)]
  name: guid(namespace.id, topology.queues[i / length(queueRoles)].name, principals.app.id, queueRoles[i % length(queueRoles)].id)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', queueRoles[i % length(queueRoles)].id)
    principalId: principals.app.id
    principalType: principals.app.type
    description: queueRoles[i % length(queueRoles)].reason
  }
}]

resource topicAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for i in range(0, length(topology.topics) * length(topicRoles)): {
  scope: topic[i / length(topicRoles)]
  name: guid(namespace.id, topology.topics[i / length(topicRoles)].name, principals.app.id, topicRoles[i % length(topicRoles)].id)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', topicRoles[i % length(topicRoles)].id)
    principalId: principals.app.id
    principalType: principals.app.type
    description: topicRoles[i % length(topicRoles)].reason
  }
}]

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: namespace
  name: 'to-log-analytics'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'OperationalLogs'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

output id string = namespace.id
output hostName string = '${namespace.name}.servicebus.windows.net'
