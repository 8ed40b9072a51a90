// The registers of the STM32F405 that this board uses, as its reference manual (RM0090) has them.
#pragma once
#include "cortex_m/core.h"

typedef volatile struct {
    uint32_t control, pll, configuration, interrupt;
    uint32_t ahb_reset[3], reserved_0, apb1_reset, apb2_reset, reserved_1[2];
    uint32_t ahb1_enable, ahb2_enable, ahb3_enable, reserved_2, apb1_enable, apb2_enable, reserved_3[2];
    uint32_t low_power[6], reserved_4[2];
    uint32_t backup, status;
} rcc_registers;

typedef volatile struct {
    uint32_t mode, output_type, output_speed, pull, input, output, set_reset, lock, function[2];
} gpio_registers;

typedef volatile struct {
    uint32_t status, data, baud, control_1, control_2, control_3, guard;
} usart_registers;

typedef volatile struct {
    uint32_t control_1, control_2, slave_mode, interrupt, status, event, capture_mode[2], capture_enable;
    uint32_t count, prescaler, reload;
} timer_registers;

typedef volatile struct {
    uint32_t key, prescaler, reload, status;
} watchdog_registers;

#define TIM2 ((timer_registers *)0x40000000)
#define IWDG ((watchdog_registers *)0x40003000)
#define PWR_CONTROL REGISTER(0x40007000)
#define USART1 ((usart_registers *)0x40011000)
#define GPIOA ((gpio_registers *)0x40020000)
#define RCC ((rcc_registers *)0x40023800)
#define FLASH_ACCESS REGISTER(0x40023C00)
#define DEVICE_ID REGISTER(0xE0042000)
