// The registers of a Cortex-M4's own that boards use, as the Armv7-M Architecture Reference Manual has them.
#pragma once
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define DWT_CONTROL REGISTER(0xE0001000)
#define DWT_CYCLES REGISTER(0xE0001004)
#define SYSTICK_CONTROL REGISTER(0xE000E010)
#define SYSTICK_RELOAD REGISTER(0xE000E014)
#define SYSTICK_VALUE REGISTER(0xE000E018)
#define NVIC_ENABLE ((volatile uint32_t *)0xE000E100)
#define NVIC_DISABLE ((volatile uint32_t *)0xE000E180)
#define NVIC_FORGET ((volatile uint32_t *)0xE000E280)
#define NVIC_PRIORITY ((volatile uint8_t *)0xE000E400)
#define INTERRUPT_STATE REGISTER(0xE000ED04)
#define RESET_CONTROL REGISTER(0xE000ED0C)
#define FAULT_STATUS REGISTER(0xE000ED28)
#define MEMORY_FAULT_ADDRESS REGISTER(0xE000ED34)
#define BUS_FAULT_ADDRESS REGISTER(0xE000ED38)
#define DEBUG_CONTROL REGISTER(0xE000EDFC)
