metadata description = 'A budget of the resource group: Azure writes to people before it is spent. It stops nothing.'

import { emailAddress } from '../types.bicep'

param name string

@description('A month, in the currency of the bill.')
param amount int

@description('First day of a month, as in 2026-12-01.')
param start string

param emails emailAddress[]

resource budget 'Microsoft.Consumption/budgets@2026-06-01' = {
  name: name
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: start
    }
    notifications: {
      spent: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: emails
        contactRoles: ['Owner']
      }
      expected: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: emails
        contactRoles: ['Owner']
      }
    }
  }
}
