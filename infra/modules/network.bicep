metadata description = 'A network for the app alone: one subnet that it speaks from, one with the private endpoints it speaks to.'

import { tagsType } from '../types.bicep'

param name string
param endpointPrefix string
param location string
param tags tagsType

@description('Address space of the network.')
param addressPrefix string = '10.90.0.0/23'

@description('Of the subnet that the app speaks from; a /24 has room for six times the default of maximumInstanceCount.')
param functionsPrefix string = '10.90.0.0/24'

param endpointsPrefix string = '10.90.1.0/24'

@description('Private DNS zones, each once.')
param zones string[]

@description('What gets a private endpoint.')
param endpoints endpointType[]

type endpointType = {
  name: string
  resourceId: string

  @description('The part of the resource that is reached, by the name that Azure has for it.')
  group: 'blob' | 'table' | 'namespace' | 'vault'

  @description('The one of zones that leads to it.')
  zone: string
}

resource functionsRules 'Microsoft.Network/networkSecurityGroups@2025-05-01' = {
  name: 'nsg-functions'
  location: location
  tags: tags
}

resource endpointRules 'Microsoft.Network/networkSecurityGroups@2025-05-01' = {
  name: 'nsg-endpoints'
  location: location
  tags: tags
}

resource network 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [addressPrefix]
    }
    subnets: [
      {
        name: 'functions'
        properties: {
          addressPrefix: functionsPrefix
          networkSecurityGroup: {
            id: functionsRules.id
          }
          delegations: [
            {
              name: 'flex-consumption'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: endpointsPrefix
          networkSecurityGroup: {
            id: endpointRules.id
          }
        }
      }
    ]
  }
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for item in zones: {
    name: item
    location: 'global'
    tags: tags
  }
]

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (item, i) in zones: {
    parent: zone[i]
    name: 'to-${name}'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: network.id
      }
    }
  }
]

resource privateEndpoint 'Microsoft.Network/privateEndpoints@2025-05-01' = [
  for item in endpoints: {
    name: '${endpointPrefix}${item.name}'
    location: location
    tags: tags
    properties: {
      subnet: {
        id: '${network.id}/subnets/endpoints'
      }
      privateLinkServiceConnections: [
        {
          name: item.name
          properties: {
            privateLinkServiceId: item.resourceId
            groupIds: [item.group]
          }
        }
      ]
    }
  }
]

resource zoneGroup 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = [
  for (item, i) in endpoints: {
    parent: privateEndpoint[i]
    name: 'default'
    dependsOn: [
      link
    ]
    properties: {
      privateDnsZoneConfigs: [
        {
          name: item.name
          properties: {
            privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', item.zone)
          }
        }
      ]
    }
  }
]

output functionsSubnetId string = '${network.id}/subnets/functions'
