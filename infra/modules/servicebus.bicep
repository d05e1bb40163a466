metadata description = 'Service Bus with the topics, queues and subscriptions of topology.json, and without keys.'

import { granted, operatorType } from '../roles.bicep'
import { ipRange, tagsType } from '../types.bicep'

param name string
param location string
param tags tagsType

@description('Premium: own messaging units, private endpoints, messages over 256 KB. Standard is enough for most shops.')
param premium bool

@description('Only private endpoints and allowedIpRanges reach the namespace. Needs premium.')
param networkIsolation bool

param allowedIpRanges ipRange[]

@description('Object id of the app\'s identity.')
param appPrincipalId string

param operator operatorType

param workspaceId string

var topology = loadJsonContent('../topology.json')
var principals = {
  app: {
    id: appPrincipalId
    kind: 'ServicePrincipal'
  }
  operator: operator
}

// Every role on every queue and topic: a loop of resources holds no second loop.
var queueGrants = flatten(map(
  range(0, length(topology.queues)),
  index => map(granted('queue', operator), role => { index: index, role: role })
))
var topicGrants = flatten(map(
  range(0, length(topology.topics)),
  index => map(granted('topic', operator), role => { index: index, role: role })
))

resource namespace 'Microsoft.ServiceBus/namespaces@2026-01-01' = {
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
    publicNetworkAccess: networkIsolation && empty(allowedIpRanges) ? 'Disabled' : 'Enabled'
  }
}

resource networkRules 'Microsoft.ServiceBus/namespaces/networkRuleSets@2026-01-01' = if (networkIsolation) {
  parent: namespace
  name: 'default'
  properties: {
    defaultAction: 'Deny'
    publicNetworkAccess: empty(allowedIpRanges) ? 'Disabled' : 'Enabled'
    trustedServiceAccessEnabled: false
    ipRules: [for address in allowedIpRanges: { ipMask: address, action: 'Allow' }]
  }
}

resource queue 'Microsoft.ServiceBus/namespaces/queues@2026-01-01' = [
  for item in topology.queues: {
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
  }
]

resource topic 'Microsoft.ServiceBus/namespaces/topics@2026-01-01' = [
  for item in topology.topics: {
    parent: namespace
    name: item.name
    properties: {
      requiresDuplicateDetection: item.requiresDuplicateDetection
      duplicateDetectionHistoryTimeWindow: item.duplicateDetectionHistoryTimeWindow
      defaultMessageTimeToLive: item.defaultMessageTimeToLive
      maxSizeInMegabytes: item.maxSizeInMegabytes
    }
  }
]

resource forward 'Microsoft.ServiceBus/namespaces/topics/subscriptions@2026-01-01' = [
  for item in topology.subscriptions: {
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
  }
]

// Named $Default, the rule replaces the match-all rule that a new subscription starts with, instead of joining it.
resource rule 'Microsoft.ServiceBus/namespaces/topics/subscriptions/rules@2026-01-01' = [
  for (item, i) in topology.subscriptions: {
    parent: forward[i]
    name: item.rule.name
    properties: {
      filterType: 'CorrelationFilter'
      correlationFilter: item.rule.correlationFilter
    }
  }
]

resource queueAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for grant in queueGrants: {
    scope: queue[grant.index]
    name: guid(namespace.id, topology.queues[grant.index].name, principals[grant.role.principal].id, grant.role.id)
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', grant.role.id)
      principalId: principals[grant.role.principal].id
      principalType: principals[grant.role.principal].kind
      description: grant.role.reason
    }
  }
]

resource topicAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for grant in topicGrants: {
    scope: topic[grant.index]
    name: guid(namespace.id, topology.topics[grant.index].name, principals[grant.role.principal].id, grant.role.id)
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', grant.role.id)
      principalId: principals[grant.role.principal].id
      principalType: principals[grant.role.principal].kind
      description: grant.role.reason
    }
  }
]

// The stable version before this preview knows no categories of logs.
#disable-next-line use-recent-api-versions
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
